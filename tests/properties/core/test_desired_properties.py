"""compute_desired: the same for every order, never failing, and honest about when it changes."""

from __future__ import annotations

import copy
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from unkey_sync.clock import DAY
from unkey_sync.desired import compute_desired
from unkey_sync.links import compute_link
from unkey_sync.model import Access, Desired, State, World

from tests.properties.core.histories import policies, states, worlds
from tests.unit.core.given import NOW

if TYPE_CHECKING:
    import random

    from unkey_sync.policy import Policy

EXPLAINED = {field.name for field in fields(Desired)} - {"reasons", "problems", "removed_since"}

nows = st.integers(NOW - 50 * DAY, NOW + 50 * DAY)


@given(states(), policies, worlds, st.randoms(use_true_random=False))
def test_the_order_of_facts_plays_no_part(
    state: State, policy: Policy, world: World, chance: random.Random
) -> None:
    shuffled = list(state.facts)
    chance.shuffle(shuffled)

    result = compute_desired(replace(state, facts=tuple(shuffled)), policy, world, NOW)

    assert result == compute_desired(state, policy, world, NOW)


@given(states(wild=True), policies, worlds, st.text("ab.|é", max_size=300), nows)
def test_no_body_makes_it_fail(state: State, policy: Policy, world: World, subject: str, now: int) -> None:
    result = compute_desired(replace(state, subject=subject), policy, world, now)

    assert isinstance(result, Desired)
    assert {reason.field for reason in result.reasons} == EXPLAINED


@given(states(wild=True), policies, worlds)
def test_it_changes_nothing_and_answers_the_same_again(state: State, policy: Policy, world: World) -> None:
    before = copy.deepcopy(state)

    first = compute_desired(state, policy, world, NOW)

    assert state == before
    assert compute_desired(state, policy, world, NOW) == first


@given(states(), policies, worlds, nows)
def test_nothing_changes_before_changes_at_and_something_does_then(
    state: State, policy: Policy, world: World, now: int
) -> None:
    result = compute_desired(state, policy, world, now)
    at = result.changes_at if result.changes_at is not None else now + 400 * DAY

    assert at > now
    assert compute_desired(state, policy, world, at - 1) == result
    if result.changes_at is not None:
        assert compute_desired(state, policy, world, at) != result


@given(states(), policies, worlds, nows)
def test_time_alone_brings_every_subject_to_rest(
    state: State, policy: Policy, world: World, now: int
) -> None:
    instants = [now]
    while (at := compute_desired(state, policy, world, instants[-1]).changes_at) is not None:
        instants.append(at)

    assert instants == sorted(set(instants))
    assert len(instants) <= len(state.facts) + 2


@given(states(), policies, worlds)
def test_what_is_not_there_holds_nothing(state: State, policy: Policy, world: World) -> None:
    result = compute_desired(state, policy, world, NOW)

    absent = result.access in (Access.WAITING, Access.RETAINED, Access.REMOVED)
    assert absent == (result.meta == {})
    assert not absent or (result.plan, result.ratelimits, result.problems) == (None, (), ())
    assert (result.removed_since is not None) == (result.access is Access.REMOVED)


@given(states(wild=True), st.randoms(use_true_random=False))
def test_a_link_never_fails_and_knows_no_order(state: State, chance: random.Random) -> None:
    rules = ("metadata.a", "client_reference_id", "external_ref", "id")
    shuffled = list(state.facts)
    chance.shuffle(shuffled)

    assert compute_link(shuffled, rules) == compute_link(state.facts, rules)
