"""Facts form a join-semilattice: no order, no repetition, no grouping of statements changes what is known."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from unkey_sync import facts
from unkey_sync.ledger.codec import dump_register, load_register
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind

STATUSES = ["active", "past_due", "trialing", "ended"]


@st.composite
def statements(draw: st.DrawFn) -> Event:
    op = draw(st.sampled_from([EventOp.UPSERT, EventOp.UPSERT, EventOp.DELETE, EventOp.SIGNAL]))
    return Event(
        source="stripe",
        account="test",
        delivery_id=f"evt_{draw(st.integers(0, 9))}",
        type=draw(st.sampled_from(["created", "updated", "deleted"])),
        occurred_at=0,
        op=op,
        entity=Entity(Kind.SUBSCRIPTION, "sub_1"),
        version=draw(st.integers(0, 4)),
        rank=draw(st.integers(0, 2)),
        terminal=draw(st.sampled_from([False, False, False, True])),
        body={"status": draw(st.sampled_from(STATUSES))} if op is EventOp.UPSERT else {},
    )


registers = statements().map(lambda event: facts.from_event(event, f"id_{event.delivery_id}"))
joined = st.lists(registers, min_size=1, max_size=4).map(facts.join_all)
fetched = st.builds(lambda register, event: facts.settle(register, event, "fetched"), joined, statements())
anything = st.one_of(joined, fetched)


gone_for_good = st.builds(
    lambda end, others: facts.join_all([facts.from_event(end, f"id_{end.delivery_id}"), *others]),
    statements().map(lambda event: replace(event, op=EventOp.DELETE, terminal=True, body={})),
    st.lists(registers.filter(lambda register: not register.terminal), max_size=3),
)


@settings(max_examples=500)
@given(anything, anything)
def test_join_is_commutative(left: facts.Register, right: facts.Register) -> None:
    assert facts.join(left, right) == facts.join(right, left)


@settings(max_examples=500)
@given(anything, anything, anything)
def test_join_is_associative(one: facts.Register, two: facts.Register, three: facts.Register) -> None:
    assert facts.join(facts.join(one, two), three) == facts.join(one, facts.join(two, three))


@given(anything)
def test_join_is_idempotent(register: facts.Register) -> None:
    assert facts.join(register, register) == register


@given(st.lists(registers, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_every_order_and_repetition_ends_in_the_same_register(
    said: list[facts.Register], chance: random.Random
) -> None:
    expected = facts.join_all(said)
    repeated = [*said, *chance.choices(said, k=4)]
    chance.shuffle(repeated)

    assert facts.join_all(repeated) == expected


@settings(max_examples=500)
@given(gone_for_good, gone_for_good, anything)
def test_the_end_of_a_join_is_the_join_of_the_ends(
    one: facts.Register, two: facts.Register, user: facts.Register
) -> None:
    """So a user ends the same whether it hears of two deletes of its directory at once, or of one after the other."""
    whole = facts.end_with(facts.join(one, two))

    assert facts.join(facts.end_with(one), facts.end_with(two)) == whole
    assert facts.join(facts.join(user, facts.end_with(one)), whole) == facts.join(user, whole)
    assert (whole.deleted, whole.terminal, whole.doubt) == (True, True, False)


@given(anything)
def test_a_register_survives_its_row(register: facts.Register) -> None:
    assert load_register(dump_register(register)) == register


@given(joined, statements())
def test_reading_the_object_settles_every_doubt(register: facts.Register, answer: Event) -> None:
    if answer.op is EventOp.SIGNAL:
        return

    settled = facts.settle(register, answer, "fetched")

    assert not settled.doubt
