"""What one deployment is: settings and policy, read together from environment and file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync.policy import read_policy
from unkey_sync.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from unkey_sync.policy import Policy
    from unkey_sync.settings import Settings

    KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything a process is told."""

    settings: Settings
    policy: Policy


def load_deployment(
    environment: Mapping[str, str] | None = None,
    *,
    file: Path | None = None,
    flags: Mapping[KeyPath, Any] | None = None,
) -> Deployment:
    """Raises ConfigError with every problem of the settings, then of the policy."""
    loaded = load_settings(environment, file=file, flags=flags)
    return Deployment(loaded.settings, read_policy(loaded.document))
