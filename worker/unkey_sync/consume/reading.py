"""From messages to intakes: unwrap, verify if so configured, parse. What cannot be read becomes a parked intake.

Never raises for what a message holds: a poison message must not stop those behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from unkey_sync_connectors.base import CloudEventsTarget, Malformed, Rejected, Unusable

from unkey_sync.batch import body_digest
from unkey_sync.consume.cloudevents import as_http
from unkey_sync.consume.envelopes import CLOUDEVENTS, unwrap
from unkey_sync.consume.wrapping import Unwrapped
from unkey_sync.intake import Intake, kept

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Connector
    from unkey_sync_connectors.event import Event

    from unkey_sync.clock import Clock
    from unkey_sync.consume.message import Message

REJECTED: Final = "rejected"
"""How the reason of a parked forgery begins; such an event is never replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How the messages of one queue are read.

    `verify`: the sender's signature is in the headers and must be right. Without it whoever may write to the queue
    is believed: the queue's own access control is the proof.
    """

    source: str
    connector: Connector
    clock: Clock
    form: str = "vendor"
    verify: bool = False
    body_limit: int = 1_048_576
    """Bytes of one message; larger ones are parked unread."""

    def read(self, message: Message) -> list[Intake]:
        """At least one intake."""
        if len(message.body) > self.body_limit:
            return [self._parked(message.body, Unusable(f"larger than {self.body_limit} bytes"))]
        try:
            return [self._intake(one) for one in self._unwrap(message)]
        except Unusable as unusable:
            return [self._parked(message.body, unusable)]

    def _unwrap(self, message: Message) -> list[Unwrapped]:
        connector = self.connector
        if (
            isinstance(connector, CloudEventsTarget)
            and connector.takes_cloudevents
            and self.form == CLOUDEVENTS
        ):
            return [Unwrapped(as_http(message))]
        return unwrap(self.form, message)

    def _intake(self, unwrapped: Unwrapped) -> Intake:
        delivery = unwrapped.delivery
        raw = kept(self.connector, delivery)
        try:
            if self.verify:
                self.connector.verify(delivery, self.clock.now())
            events = [self._identified(event, unwrapped) for event in self.connector.parse(delivery)]
        except Rejected as rejection:
            return self._parked(raw, Unusable(f"{REJECTED}: {rejection.reason}"))
        except Malformed:
            return self._parked(raw, Unusable("malformed"))
        except Unusable as unusable:
            return self._parked(raw, unusable)
        return Intake(self.source, tuple(events), raw)

    def _identified(self, event: Event, unwrapped: Unwrapped) -> Event:
        """An envelope's id is better than a digest of what is in it: two alike signals are two."""
        if unwrapped.id and event.delivery_id == body_digest(self.source, unwrapped.delivery.body):
            return replace(event, delivery_id=unwrapped.id)
        return event

    def _parked(self, body: bytes, unusable: Unusable) -> Intake:
        return Intake(self.source, (), body, unusable)


def not_storable(intake: Intake) -> Intake:
    """The same delivery, raw and parked: what the database cannot hold would only be delivered again.

    Its id may be what cannot be stored; the inbox makes one of the body.
    """
    return Intake(intake.source, (), intake.raw, Unusable("not_storable"))
