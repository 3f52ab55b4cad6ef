"""What a command may touch: environment, streams, clock, connectors, network.

Handed in, so tests need no patching.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from unkey_sync.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from unkey_sync_connectors.base import Connector, SourceConfig

    from unkey_sync.settings import Loaded


class Registry(Protocol):
    """Where connectors come from; `unkey_sync_connectors.registry` is one."""

    def create(self, config: SourceConfig) -> Connector:
        """The connector for `config.kind`. Raises `ConfigProblem`."""

    def known_kinds(self) -> Collection[str]:
        """Every kind that `create` knows."""


def installed_connectors() -> Registry:
    """The connectors of this installation."""
    from unkey_sync_connectors import registry

    return registry


def _environment() -> Mapping[str, str]:
    from unkey_sync.settings.variables import process_environment

    return process_environment()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The outside of one command. `transport`: an httpx transport instead of the network."""

    environment: Callable[[], Mapping[str, str]] = _environment
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Clock = field(default_factory=SystemClock)
    connectors: Callable[[], Registry] = installed_connectors
    transport: Any = None


@dataclass(slots=True)
class Session:
    """One run of the command line: the world, and the options that hold for every command."""

    world: World
    config: Path | None = None
    verbosity: int = 0

    def load(self, flags: Mapping[tuple[str, ...], Any] | None = None) -> Loaded:
        """The settings. Raises `ConfigError`."""
        from unkey_sync.settings import load_settings

        return load_settings(self.world.environment(), file=self.config, flags=flags)


def session_of(context: Any) -> Session:
    """The session of a Typer context."""
    session = context.find_object(Session)
    if session is None:
        raise RuntimeError("commands run inside unkey_sync.cli.main")
    return session  # type: ignore[no-any-return]
