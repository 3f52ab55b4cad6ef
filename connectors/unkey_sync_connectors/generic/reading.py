"""From a delivery to events: open it, then let the rules say what each of its documents means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unkey_sync_connectors.event import Event, EventOp, Kind
from unkey_sync_connectors.generic.cloudevents import is_batch
from unkey_sync_connectors.generic.envelope import CLOUDEVENTS
from unkey_sync_connectors.generic.rules import select
from unkey_sync_connectors.payload import body_digest, naming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync_connectors.base import Delivery, SourceConfig
    from unkey_sync_connectors.generic.envelope import Envelope
    from unkey_sync_connectors.generic.paths import Scope
    from unkey_sync_connectors.generic.rules import Rule


@dataclass(frozen=True, slots=True)
class Reader:
    """An envelope and the rules for what is in it."""

    envelope: Envelope
    rules: Sequence[Rule]

    def read(self, config: SourceConfig, delivery: Delivery) -> Sequence[Event]:
        """The events of one delivery, never empty. Raises Malformed, Unusable."""
        scopes = self.envelope.open(delivery)
        if self.envelope.format != CLOUDEVENTS or not is_batch(delivery):
            return self._read(config, delivery, scopes[0])
        # All or nothing: what is parked is the whole batch, under a name of its own.
        with naming(body_digest(config.name, delivery.body), "batch"):
            found = [event for scope in scopes for event in self._read(config, delivery, scope)]
        return found or [_empty(config, delivery)]

    def _read(self, config: SourceConfig, delivery: Delivery, scope: Scope) -> Sequence[Event]:
        with naming(None):
            delivery_id = self.envelope.delivery_id(config, delivery, scope)
        with naming(delivery_id):
            event_type = self.envelope.type.need(scope)
        with naming(delivery_id, event_type):
            return self._statements(config, delivery_id, replace(scope, type=event_type))

    def _statements(self, config: SourceConfig, delivery_id: str, scope: Scope) -> Sequence[Event]:
        blank = self.envelope.blank(config, delivery_id, scope)
        rules = [
            rule for rule in select(self.rules, scope.type) if config.orders or rule.kind is not Kind.ORDER
        ]
        return [event for rule in rules for event in rule.read(scope, blank, config.metadata_keys)] or [blank]


def _empty(config: SourceConfig, delivery: Delivery) -> Event:
    """A batch of nothing."""
    return Event(
        source=config.name,
        account=config.account,
        delivery_id=body_digest(config.name, delivery.body),
        type="batch",
        occurred_at=0,
        op=EventOp.IGNORE,
    )
