"""Random histories of a small world, and the truth they end in.

The source (an auth and a billing system) changes; each change emits an event whose version counts whole seconds,
so ties are common. Events are delivered late, repeatedly and in any order while the source goes on changing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from unkey_sync_connectors.event import Entity, Event, EventOp, Kind

from tests import makers

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Api

ORGANIZATIONS = ("org_1", "org_2")
CUSTOMERS = ("cus_1", "cus_2")
SUBSCRIPTIONS = {"sub_1": "cus_1", "sub_2": "cus_1", "sub_3": "cus_2"}
PLANS = ("pro_monthly", "team_monthly", "unheard_of")
STATUSES = ("active", "active", "trialing", "paused", "incomplete", "ended")


@dataclass
class Source:
    """The truth at the source: the newest event per entity. Also plays the connector that is asked for it."""

    chance: random.Random
    second: int = 1
    truth: dict[Entity, Event] = field(default_factory=dict)
    emitted: list[Event] = field(default_factory=list)
    number: int = 0

    def change(self) -> None:
        """One change of something, in this second or a later one."""
        self.second += self.chance.choice([0, 0, 0, 1])
        makers_of = [self._organization, self._customer, self._subscription, self._subscription]
        event = self.chance.choice(makers_of)()
        entity = event.entity
        assert entity is not None
        before = self.truth.get(entity)
        if before is not None and before.terminal:
            return
        self.number += 1
        event = replace(event, delivery_id=f"evt_{self.number}", version=self.second * makers.SECOND)
        self.truth[entity] = event
        self.emitted.append(event)

    def fetch(self, _api: Api, entity: Entity, owner: Entity | None) -> Event:
        """The entity as it is now; the answer is dated by the source's clock."""
        now = self.second * makers.SECOND
        found = self.truth.get(entity)
        if found is None:
            return makers.event(
                "stripe", entity.kind, entity.id, {}, op=EventOp.DELETE, version=now, owner=owner
            )
        return replace(found, delivery_id=f"fetch_{now}", version=now)

    def _organization(self) -> Event:
        said = makers.organization(self.chance.choice(ORGANIZATIONS))
        kind = self.chance.random()
        if kind < 0.15:
            return makers.deleted(said)
        return makers.organization(said.entity.id, blocked="banned") if kind < 0.3 and said.entity else said

    def _customer(self) -> Event:
        target = self.chance.choice([*ORGANIZATIONS, None])
        metadata = {"org_id": target} if target else {}
        return makers.customer(self.chance.choice(CUSTOMERS), metadata)

    def _subscription(self) -> Event:
        entity_id = self.chance.choice(list(SUBSCRIPTIONS))
        status = self.chance.choice(STATUSES)
        said = makers.subscription(
            entity_id, self.chance.choice(PLANS), status, customer_id=SUBSCRIPTIONS[entity_id]
        )
        return replace(said, terminal=status == "ended", rank=2 if status == "ended" else 1)


def expected_limits(truth: dict[Entity, Event]) -> dict[str, int | None]:
    """Organisation -> its limit, or None for no identity: the rules said again, as simply as possible."""
    return {one: _expected(one, truth) for one in ORGANIZATIONS}


def _expected(organization: str, truth: dict[Entity, Event]) -> int | None:
    known = truth.get(Entity(Kind.ORGANIZATION, organization))
    if known is None or known.op is EventOp.DELETE:
        return None
    limits = [100]
    for subscription, customer in SUBSCRIPTIONS.items():
        said = truth.get(Entity(Kind.SUBSCRIPTION, subscription))
        if said is not None and _linked(customer, truth) == organization and _is_live(said.body):
            limits.append({"pro_monthly": 1000, "team_monthly": 500}.get(_plan(said.body), 0))
    return max(limits)


def _linked(customer: str, truth: dict[Entity, Event]) -> str | None:
    said = truth.get(Entity(Kind.CUSTOMER, customer))
    return said.body["metadata"].get("org_id") if said is not None else None


def _is_live(body: dict[str, Any]) -> bool:
    return body["status"] in ("active", "trialing")


def _plan(body: dict[str, Any]) -> str:
    return str(body["items"][0]["lookup_key"])
