"""What a check looks at, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from unkey_sync.clock import Clock
    from unkey_sync.settings import Loaded


class Level(IntEnum):
    """How bad it is."""

    OK = 0
    WARNING = 1
    """Works now, and will hurt."""
    ERROR = 2
    """Does not work, or loses data."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One result.

    `message` never holds a secret; `remedy` says what to do and is empty only when all is well.
    """

    level: Level
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is examined. `transport`: an httpx transport instead of the network."""

    loaded: Loaded
    clock: Clock
    transport: Any = None


if TYPE_CHECKING:
    Check = Callable[[Patient], Iterable[Finding]]


def worst(findings: Iterable[Finding]) -> Level:
    """The most serious level; OK when there is none."""
    return max((finding.level for finding in findings), default=Level.OK)


def fine(message: str) -> Iterator[Finding]:
    yield Finding(Level.OK, message)
