"""What the receiver hands to the inbox, and what it gets back. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Unusable
    from unkey_sync_connectors.event import Event


@dataclass(frozen=True, slots=True)
class Intake:
    """One authentic delivery: its events and raw body, or why it cannot be used."""

    source: str
    events: tuple[Event, ...]
    raw: bytes = field(repr=False)
    parked: Unusable | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one delivery: events stored now, events that were there already."""

    accepted: int
    duplicates: int
