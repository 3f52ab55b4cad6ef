"""Order and repetition change nothing: what one source's payloads say ends in the same registers."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unkey_sync import facts
from unkey_sync_connectors.event import Event, EventOp

from tests.unit.connectors.natives import KINDS, native
from tests.unit.connectors.support import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unkey_sync.facts import Register
    from unkey_sync_connectors.event import Entity


def told(kind: str) -> list[Sequence[Event]]:
    """The deliveries of a source that say anything."""
    connector = native(kind)
    found = (read(connector, payload) for payload in connector.samples().values())
    return [events for events in found if any(event.op is not EventOp.IGNORE for event in events)]


DELIVERIES = {kind: told(kind) for kind in KINDS}


def known_after(deliveries: Iterable[Sequence[Event]]) -> dict[Entity, Register]:
    known: dict[Entity, Register] = {}
    for events in deliveries:
        for event in events:
            if event.entity is not None:
                said = facts.from_event(event, f"{event.delivery_id}:{event.type}")
                known[event.entity] = facts.join_all([known.get(event.entity), said])
    return known


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_every_order_and_repetition_ends_in_the_same_registers(kind: str, data: st.DataObject):
    deliveries = DELIVERIES[kind]
    shuffled = data.draw(st.permutations(deliveries))
    repeated = data.draw(st.lists(st.sampled_from(deliveries), max_size=5))

    assert known_after([*shuffled, *repeated]) == known_after(deliveries)


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
