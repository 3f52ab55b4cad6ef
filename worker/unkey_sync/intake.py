"""What receiver and queues hand to the inbox, and what they get back. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Sparing
from unkey_sync_connectors.event import EventOp

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Connector, Delivery, Unusable
    from unkey_sync_connectors.event import Event


@dataclass(frozen=True, slots=True)
class Intake:
    """One authentic delivery: its events and raw body, or why it cannot be used."""

    source: str
    events: tuple[Event, ...]
    raw: bytes = field(repr=False)
    parked: Unusable | None = None

    @property
    def outcome(self) -> str:
        """What became of it once it is stored, in a metric's word."""
        if self.parked is not None:
            return "parked"
        return "ignored" if all(event.op is EventOp.IGNORE for event in self.events) else "accepted"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one delivery: events stored now, events that were there already."""

    accepted: int
    duplicates: int


def kept(connector: Connector, delivery: Delivery) -> bytes:
    """What is stored of a delivery: its body, unless its connector knows better."""
    return connector.kept(delivery) if isinstance(connector, Sparing) else delivery.body
