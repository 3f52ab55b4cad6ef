"""What the loop knows of a queue: messages, and four verbs. Adapters implement it; nothing here does I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

GROUP_LIMIT = 256
"""Most messages in one commit: the same as the receiver's."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as received. Header names are lower-case. `token` is the adapter's own: what to acknowledge."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    token: Any = None


class Queue(Protocol):
    """A connection to one queue. Every method raises Retry when the server is away or refuses.

    What was received and not acknowledged comes again, to us or to another consumer: after `close`, after a lost
    connection, after a kill.
    """

    def receive(self, wait_s: float) -> Sequence[Message]:
        """What is there, at most GROUP_LIMIT; waits up to `wait_s` seconds for the first message."""

    def ack(self, messages: Sequence[Message]) -> None:
        """These are stored. Always a whole result of `receive`."""

    def keep(self, messages: Sequence[Message]) -> None:
        """These are still being worked on; called every few seconds while they cannot be stored."""

    def close(self) -> None:
        """Let go; never raises."""


def to_headers(pairs: Iterable[tuple[object, object]]) -> dict[str, str]:
    """Headers with lower-case names, texts only: numbers as written, structures left out."""
    return {
        _text(name).lower(): _text(value)
        for name, value in pairs
        if isinstance(value, str | bytes | int | float)
    }


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
