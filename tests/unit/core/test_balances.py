"""What a balance becomes: plan changes, credits bought and given back, answers that were lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unkey_sync.balances import Account, Note, Wanted, Write, compute_write, read_note, with_note
from unkey_sync.model import UNKNOWN_QUOTA, Quota
from unkey_sync.policy.shape import LARGEST_NUMBER

SMALL, LARGE = Quota(100, "monthly", 100, 1), Quota(1000)


def account(remaining: int | None = 100, **known: Any) -> Account:
    facts: dict[str, Any] = {"note": None, "quota": SMALL, "prepaid": None, "granted": frozenset()}
    return Account(remaining=remaining, **{**facts, **known})


def wanted(quota: Quota | None = SMALL, *, carry: bool = False, **top_ups: int) -> Wanted:
    return Wanted(quota=quota, carry=carry, top_ups=top_ups)


def balance(write: Write | None) -> int | None:
    assert write is not None
    return write.remaining


def test_nothing_is_written_when_all_has_happened() -> None:
    assert compute_write(account(7), wanted()) is None


def test_bought_credits_are_added_to_what_is_left() -> None:
    write = compute_write(account(7), wanted(a=50, b=5))

    assert write == Write(remaining=62, note=Note(quota=SMALL, prepaid=55, top_ups=("a", "b")))


def test_what_the_note_names_has_been_given() -> None:
    note = Note(quota=SMALL, prepaid=50, top_ups=("a",))

    write = compute_write(account(57, note=note, quota=UNKNOWN_QUOTA), wanted(a=50))

    assert write is None


def test_a_note_that_is_not_recorded_yet_is_carried_along() -> None:
    note = Note(quota=SMALL, prepaid=50, top_ups=("a",))

    write = compute_write(account(57, note=note, quota=UNKNOWN_QUOTA), wanted(a=50, b=1))

    assert write == Write(remaining=58, note=Note(quota=SMALL, prepaid=51, top_ups=("a", "b")))


def test_what_is_recorded_needs_no_note_any_more() -> None:
    note = Note(quota=SMALL, prepaid=50, top_ups=("a",))

    write = compute_write(account(57, note=note, prepaid=50, granted=frozenset({"a"})), wanted(b=1))

    assert write is not None
    assert write.note.top_ups == ("b",)


def test_a_change_of_plan_keeps_what_was_bought() -> None:
    assert balance(compute_write(account(80, prepaid=50), wanted(LARGE))) == 1050
    assert balance(compute_write(account(20, prepaid=50), wanted(LARGE))) == 1020


def test_an_unlimited_plan_between_two_others_loses_nothing() -> None:
    to_unlimited = compute_write(account(80, prepaid=50), wanted(None))
    assert to_unlimited == Write(remaining=None, note=Note(quota=None, prepaid=50))

    back = compute_write(account(None, quota=None, prepaid=50), wanted(SMALL))

    assert balance(back) == 150


def test_a_change_resets_the_plan_part_unless_what_was_spent_is_carried() -> None:
    assert balance(compute_write(account(30), wanted(LARGE))) == 1000
    assert balance(compute_write(account(30), wanted(LARGE, carry=True))) == 930
    assert balance(compute_write(account(930, quota=LARGE), wanted(SMALL, carry=True))) == 100
    assert balance(compute_write(account(30, quota=LARGE), wanted(SMALL, carry=True))) == 30


def test_carrying_from_an_unlimited_or_unknown_quota_starts_anew() -> None:
    assert balance(compute_write(account(None, quota=None), wanted(SMALL, carry=True))) == 100
    assert balance(compute_write(account(30, quota=UNKNOWN_QUOTA), wanted(SMALL, carry=True))) == 100


def test_a_refund_takes_no_more_than_there_is() -> None:
    assert balance(compute_write(account(80, prepaid=50), wanted(refund=-50))) == 30
    assert balance(compute_write(account(20, prepaid=50), wanted(refund=-50))) == 0


def test_a_balance_never_leaves_what_unkey_can_hold() -> None:
    assert balance(compute_write(account(7), wanted(a=LARGEST_NUMBER))) == LARGEST_NUMBER


@given(
    st.sampled_from([SMALL, LARGE, None]),
    st.sampled_from([SMALL, LARGE, None]),
    st.integers(0, 5_000),
    st.integers(0, 500),
    st.booleans(),
)
def test_a_change_of_plan_is_never_below_both(
    before: Quota | None, after: Quota | None, seen: int, prepaid: int, carry: bool
) -> None:
    remaining = None if before is None else seen

    write = compute_write(account(remaining, quota=before, prepaid=prepaid), wanted(after, carry=carry))

    if write is not None and write.remaining is not None and after is not None:
        assert write.remaining >= min(seen if before else after.remaining, after.remaining)


@given(st.integers(0, 500), st.lists(st.tuples(st.booleans(), st.integers(1, 9)), max_size=6))
def test_lost_answers_give_nothing_twice(start: int, tries: list[tuple[bool, int]]) -> None:
    """Each try asks for all top-ups so far; its write lands or not, and nothing of it is ever recorded."""
    remaining, note = start, None
    names: dict[str, int] = {}
    for number, (landed, credits) in enumerate(tries):
        names[f"t{number}"] = credits
        write = compute_write(
            account(remaining, quota=UNKNOWN_QUOTA, note=note), Wanted(quota=Quota(0), top_ups=names)
        )
        if landed and write is not None:
            assert write.remaining is not None
            remaining, note = write.remaining, write.note

    last = compute_write(
        account(remaining, quota=UNKNOWN_QUOTA, note=note), Wanted(quota=Quota(0), top_ups=names)
    )
    total = last.remaining if last else remaining

    if names:
        assert total == sum(names.values())


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"sync": None},
        {"sync": {"credits": 1}},
        {"sync": {"credits": {"prepaid": -1}}},
        {"sync": {"credits": {"prepaid": True}}},
    ],
)
def test_what_is_no_note_is_none(meta: dict[str, Any]) -> None:
    assert read_note(meta) is None


def test_a_note_that_others_bent_is_read_as_far_as_it_goes() -> None:
    bent = {"sync": {"credits": {"prepaid": 5, "quota": {"what": 1}, "top_ups": ["a", 7]}}}

    assert read_note(bent) == Note(quota=UNKNOWN_QUOTA, prepaid=5, top_ups=("a",))


def test_a_note_comes_back_as_it_was_written_and_others_fields_stay() -> None:
    note = Note(quota=SMALL, prepaid=5, top_ups=("a",))
    meta = with_note({"theirs": 1, "sync": {"op": "op_1"}}, note)

    assert read_note(meta) == note
    assert (meta["theirs"], meta["sync"]["op"]) == (1, "op_1")
