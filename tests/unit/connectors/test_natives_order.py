"""A story that a source tells has one end, in whatever order it is told (tests/properties holds for all others)."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from unkey_sync import facts
from unkey_sync_connectors.event import Event, EventOp

from tests.unit.connectors.natives import KINDS, native
from tests.unit.connectors.support import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unkey_sync.facts import Register
    from unkey_sync_connectors.event import Entity


def known_after(deliveries: Iterable[Sequence[Event]]) -> dict[Entity, Register]:
    known: dict[Entity, Register] = {}
    for events in deliveries:
        for event in events:
            if event.entity is not None:
                said = facts.from_event(event, f"{event.delivery_id}:{event.type}")
                known[event.entity] = facts.join_all([known.get(event.entity), said])
    return known


STORIES = {
    "workos": "organization_membership.created organization_membership.updated organization_membership.deleted",
    "polar": "subscription.created subscription.active subscription.updated customer.state_changed",
    "paddle": "subscription.updated subscription.past_due subscription.canceled",
    "auth0": "user.created user.updated user.deleted",
    "lago": "subscription.started subscription.terminated",
    "supabase": "INSERT UPDATE DELETE",
    "okta": "group.user_membership.add group.user_membership.remove",
    "keycloak": "admin.USER-CREATE access.REGISTER admin.USER-DELETE",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_story_told_in_any_order_has_the_end_that_it_has_in_order(kind: str):
    connector = native(kind)
    deliveries = [read(connector, connector.samples()[event_type]) for event_type in STORIES[kind].split()]

    for last in deliveries[-1]:
        assert last.entity is not None
        ends = [known_after(order)[last.entity] for order in permutations(deliveries)]

        assert {end.deleted for end in ends} == {last.op is EventOp.DELETE}
        assert {end.body_version for end in ends} == {last.version}
        assert all(end.body == last.body for end in ends)
