"""What is kept of a delivery, once for all of its events: sealed for the first, and the others point there.

A batch of five hundred events would else be kept five hundred times.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from unkey_sync.seal import Sealer

POINTER = b"\x02"
"""How a pointer begins; what is sealed begins with another byte."""


def target_of(kept: bytes) -> str | None:
    """The event under whose id the body is; None: it is here."""
    return kept[len(POINTER) :].decode() if kept.startswith(POINTER) else None


@dataclass(frozen=True, slots=True)
class Bodies:
    """The bodies of some deliveries. `events`: the delivery of each event that has something to keep, in order."""

    sealer: Sealer
    raws: Sequence[bytes]
    events: Mapping[str, int]
    sealed: Mapping[str, bytes]

    @classmethod
    def seal(cls, sealer: Sealer, raws: Sequence[bytes], events: Mapping[str, int]) -> Bodies:
        """Seals now, before any transaction is open, on the assumption that no event is a duplicate."""
        firsts = {number: event_id for event_id, number in reversed(list(events.items()))}
        sealed = {event_id: sealer.seal(raws[number], event_id) for number, event_id in firsts.items()}
        return cls(sealer, raws, events, sealed)

    def of(self, fresh: Collection[str]) -> dict[str, bytes]:
        """What to store for the events that are new, by event id."""
        together: dict[int, list[str]] = defaultdict(list)
        for event_id, number in self.events.items():
            if event_id in fresh:
                together[number].append(event_id)
        found: dict[str, bytes] = {}
        for number, (first, *others) in together.items():
            found[first] = self.sealed.get(first) or self.sealer.seal(self.raws[number], first)
            found |= dict.fromkeys(others, POINTER + first.encode())
        return found
