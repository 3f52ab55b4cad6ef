"""Read a stored event again: open its body, parse it with today's connector and policy, merge what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Delivery, Malformed, Unusable

from unkey_sync.consume.reading import REJECTED
from unkey_sync.errors import SyncError
from unkey_sync.intake import Intake

if TYPE_CHECKING:
    from unkey_sync_connectors.event import Event

    from unkey_sync.wiring import Runtime


@dataclass(frozen=True, slots=True)
class Replayed:
    """`outcome`: replayed, unusable, no_body, unknown_source or not_found."""

    event_id: str
    outcome: str
    reason: str = ""


def replay(runtime: Runtime, event_id: str) -> Replayed:
    """Replay one event; what it yields is stored under its own delivery id plus a mark, so it is new once more."""
    with runtime.ledger.transaction() as tx:
        row = tx.events.get(event_id)
        kept = tx.events.body(event_id)
    if row is None:
        return Replayed(event_id, "not_found")
    if str(row["reason"] or "").startswith(REJECTED):
        return Replayed(event_id, "unusable", "it was not proven to come from its source")
    connector = runtime.connectors.get(row["source"])
    if connector is None:
        return Replayed(event_id, "unknown_source", row["source"])
    if kept is None:
        return Replayed(event_id, "no_body", "its body was not kept")
    try:
        owner, sealed = kept
        raw = runtime.sealer.open(sealed, owner)
        events = tuple(_again(one, event_id) for one in connector.parse(Delivery(raw)))
        runtime.inbox.accept([Intake(row["source"], events, raw)])
    except (Unusable, Malformed, SyncError) as error:
        return Replayed(event_id, "unusable", str(error))
    with runtime.ledger.transaction() as tx:
        tx.events.finish([event_id], "applied", runtime.clock.now(), "replayed")
    return Replayed(event_id, "replayed")


def _again(event: Event, event_id: str) -> Event:
    """The same statement as a delivery of its own; replaying it twice is a duplicate again."""
    return replace(event, delivery_id=f"{event.delivery_id}#replay:{event_id}")
