"""Doubt: when order cannot be known, and what a reading of the object settles."""

from __future__ import annotations

from dataclasses import replace

from unkey_sync import facts
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind


def statement(delivery: str, version: int, status: str = "active", **changes: object) -> Event:
    event = Event(
        source="stripe",
        account="test",
        delivery_id=delivery,
        type="customer.subscription.updated",
        occurred_at=version,
        op=EventOp.UPSERT,
        entity=Entity(Kind.SUBSCRIPTION, "sub_1"),
        version=version,
        body={"status": status},
    )
    return replace(event, **changes)  # type: ignore[arg-type]


def known(*events: Event) -> facts.Register:
    return facts.join_all(facts.from_event(event, event.delivery_id) for event in events)


def test_two_different_statements_of_one_second_are_in_doubt() -> None:
    register = known(statement("a", 1, "active"), statement("b", 1, "past_due"))

    assert register.doubt


def test_the_same_statement_in_two_deliveries_is_not_in_doubt() -> None:
    assert not known(statement("a", 1), statement("b", 1)).doubt


def test_a_newer_statement_ends_the_doubt_about_older_ones() -> None:
    register = known(statement("a", 1, "active"), statement("b", 1, "past_due"), statement("c", 2, "ended"))

    assert not register.doubt
    assert register.body == {"status": "ended"}


def test_a_late_older_statement_does_not_undo_a_newer_one() -> None:
    assert known(statement("new", 2, "active"), statement("old", 1, "trialing")).body == {"status": "active"}


def test_a_third_change_in_the_second_of_a_reading_is_read_again() -> None:
    tied = known(statement("a", 1, "active"), statement("b", 1, "past_due"))
    read = facts.settle(tied, statement("fetch", 0, "past_due"), "fetch")

    late = facts.join(read, facts.from_event(statement("c", 1, "active"), "c"))

    assert not read.doubt
    assert read.body == {"status": "past_due"}
    assert late.doubt


def test_of_two_readings_at_one_version_the_later_counts() -> None:
    tied = known(statement("a", 1, "active"), statement("b", 1, "past_due"))
    first = facts.settle(tied, statement("fetch", 0, "past_due"), "fetch1")
    again = facts.join(first, facts.from_event(statement("c", 1, "trialing"), "c"))

    second = facts.settle(again, statement("fetch", 0, "active"), "fetch2")

    assert second.body == {"status": "active"}
    assert not second.doubt


def test_a_signal_alone_is_in_doubt_and_keeps_the_body_it_found() -> None:
    signal = statement("thin", 5, op=EventOp.SIGNAL, body={})

    register = known(statement("a", 1, "active"), signal)

    assert register.doubt
    assert register.body == {"status": "active"}


def test_life_after_a_terminal_end_is_in_doubt_and_does_not_revive_by_itself() -> None:
    ended = statement("deleted", 3, "ended", terminal=True)

    register = known(ended, statement("late", 4, "active"))

    assert register.doubt
    assert register.body == {"status": "ended"}


def test_past_due_counts_from_the_first_failure_after_the_last_good_word() -> None:
    said = [
        statement("a", 1, "past_due"),
        statement("b", 2, "active"),
        statement("c", 5, "past_due"),
        statement("d", 9, "past_due"),
    ]

    assert known(*said).past_due_since == 5
    assert known(*reversed(said)).past_due_since == 5
