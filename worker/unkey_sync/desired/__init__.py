"""What Unkey should hold for a subject: a pure function of facts, policy and time."""

from unkey_sync.desired.compute import compute_desired
from unkey_sync.model import World

__all__ = ["World", "compute_desired"]
