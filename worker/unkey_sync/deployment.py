"""What one deployment is: settings and policy, read together from environment and file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unkey_sync.configfile import Document
from unkey_sync.policy import read_policy

if TYPE_CHECKING:
    from unkey_sync.policy import Policy
    from unkey_sync.settings import Loaded, Settings


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything a process is told."""

    settings: Settings
    policy: Policy
    document: Document = field(default_factory=lambda: Document("", {}))
    """The file it was read from, to name the line of a mistake that is found later."""


def deployment_of(loaded: Loaded) -> Deployment:
    """Raises ConfigError with every problem of the policy."""
    return Deployment(loaded.settings, read_policy(loaded.document), loaded.document)
