"""Whoever is in a directory that is deleted is deleted, in every order, batching and repetition of what is said."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from unkey_sync import batch
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind

from tests import makers

if TYPE_CHECKING:
    from unkey_sync.ledger.fact_rows import FactKey, FactRow

OWNERS = batch.Ownership(frozenset({Kind.USER, Kind.ORGANIZATION}), ())
DIRECTORY_OF = {"user_1": "dir_1", "user_2": "dir_1", "user_3": "dir_2"}
Facts = dict["FactKey", "FactRow"]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Statements about users of two directories, of which the first ends, once or twice."""
    said = [makers.deleted(makers.directory(version=draw(st.integers(0, 5)))) for _ in range(draw(ends))]
    for _ in range(draw(st.integers(1, 6))):
        user_id = draw(st.sampled_from(sorted(DIRECTORY_OF)))
        version = draw(st.integers(0, 5)) * makers.SECOND
        owner = Entity(Kind.DIRECTORY, DIRECTORY_OF[user_id]) if draw(st.booleans()) else None
        op = draw(st.sampled_from([EventOp.UPSERT, EventOp.UPSERT, EventOp.SIGNAL]))
        user = makers.directory_user(user_id, version=version, owner=owner, op=op)
        said.append(replace(user, body={}) if op is EventOp.SIGNAL else user)
        if draw(st.booleans()):
            said.append(replace(makers.membership("org_1", user_id, version=version), source="workos"))
    if draw(st.booleans()):
        said.append(makers.directory(version=draw(st.integers(0, 2))))
    return said


ends = st.sampled_from([0, 1, 1, 2])


def fold(said: list[Event], chance: random.Random) -> tuple[Facts, set[str]]:
    """What is known after all of it, in batches of any size; and who was woken."""
    known: Facts = {}
    woken: set[str] = set()
    left = list(said)
    while left:
        size = chance.randint(1, 4)
        chunk, left = left[:size], left[size:]
        change = batch.compute_change(
            [batch.Said(f"id_{one.delivery_id}", one) for one in chunk], known, {}, OWNERS
        )
        known |= {row.key: row for row in change.facts}
        woken |= change.subjects
    return known, woken


@settings(max_examples=300)
@given(histories(), st.randoms(use_true_random=False))
def test_every_order_batching_and_repetition_ends_the_same(said: list[Event], chance: random.Random) -> None:
    expected, _ = fold(said, random.Random(0))
    shuffled = [*said, *chance.choices(said, k=3)]
    chance.shuffle(shuffled)

    found, woken = fold(shuffled, chance)

    assert found == expected
    assert {row.subject for row in found.values() if row.entity.kind is Kind.USER} <= woken


@settings(max_examples=300)
@given(histories(), st.randoms(use_true_random=False))
def test_exactly_the_users_of_an_ended_directory_end_with_it(
    said: list[Event], chance: random.Random
) -> None:
    chance.shuffle(said)
    over = any(one.entity == Entity(Kind.DIRECTORY, "dir_1") and one.terminal for one in said)

    known, _ = fold(said, chance)

    dead = {
        row.entity.id
        for row in known.values()
        if over and row.entity.kind is Kind.USER and row.owner == Entity(Kind.DIRECTORY, "dir_1")
    }
    for row in known.values():
        if row.entity.kind is Kind.USER:
            assert row.register.deleted == (row.entity.id in dead)
            assert row.subject == row.entity.id
        elif row.entity.kind is Kind.MEMBERSHIP:
            assert row.register.deleted == (row.member in dead)
