"""What one deployment is: settings and policy, read together from environment and file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync.configfile import load_document
from unkey_sync.policy import Policy, read_policy
from unkey_sync.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

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
    path = loaded.document.path
    policy = read_policy(load_document(path)) if path is not None else Policy()
    return Deployment(loaded.settings, policy)
