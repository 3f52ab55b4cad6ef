"""Acceptance on every database: one row per fact whatever is repeated, and links in any order of arrival."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from unkey_sync.batch import Ownership
from unkey_sync.bodies import POINTER
from unkey_sync.clock import FakeClock
from unkey_sync.errors import Park
from unkey_sync.inbox import Inbox
from unkey_sync.intake import Intake
from unkey_sync.ledger.tables import event_bodies, events, facts, links, subjects
from unkey_sync.seal import Sealer
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Event, EventOp, Kind

from tests import makers

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

RULES = ("metadata.org_id", "client_reference_id")
BOTH = frozenset({Kind.USER, Kind.ORGANIZATION})


@pytest.fixture
def inbox(ledger: Ledger) -> Inbox:
    return Inbox(ledger, Sealer([b"k" * 32]), FakeClock(), Ownership(BOTH, RULES))


def intake(*said: Event) -> Intake:
    return Intake(said[0].source, said, b'{"raw": true}')


def rows(ledger: Ledger, table: sa.Table) -> list[dict[str, Any]]:
    with ledger.engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def states(ledger: Ledger) -> list[str]:
    return sorted(row["state"] for row in rows(ledger, events))


def test_an_event_becomes_a_row_a_fact_and_a_due_subject(ledger: Ledger, inbox: Inbox) -> None:
    receipts = inbox.accept([intake(makers.organization())])

    assert receipts[0].accepted == 1
    assert states(ledger) == ["pending"]
    assert [row["entity_id"] for row in rows(ledger, facts)] == ["org_1"]
    assert [(row["subject"], row["due_at"]) for row in rows(ledger, subjects)] == [("org_1", 0)]


def test_a_redelivery_is_counted_and_changes_nothing(ledger: Ledger, inbox: Inbox) -> None:
    said = makers.organization()
    inbox.accept([intake(said)])
    before = rows(ledger, facts), rows(ledger, subjects)

    receipts = inbox.accept([intake(said)])

    assert (receipts[0].accepted, receipts[0].duplicates) == (0, 1)
    assert (rows(ledger, facts), rows(ledger, subjects)) == before


def test_the_same_delivery_many_times_in_one_group_is_one_row(ledger: Ledger, inbox: Inbox) -> None:
    said = makers.organization()

    receipts = inbox.accept([intake(said)] * 20)

    assert sum(receipt.accepted for receipt in receipts) == 1
    assert len(rows(ledger, events)) == 1


def test_a_redelivery_with_another_body_does_not_count(ledger: Ledger, inbox: Inbox) -> None:
    said = makers.customer(metadata={"org_id": "org_1"})
    inbox.accept([intake(said)])

    inbox.accept([intake(replace(said, version=said.version + 1, body={"metadata": {"org_id": "org_2"}}))])

    assert [row["subject"] for row in rows(ledger, links)] == ["org_1"]


def test_events_of_an_unknown_customer_wait_and_attach_when_the_link_appears(
    ledger: Ledger, inbox: Inbox
) -> None:
    inbox.accept([intake(makers.customer()), intake(makers.subscription())])
    before = states(ledger)

    inbox.accept([intake(makers.checkout("cus_1", "org_1"))])

    assert before == ["waiting", "waiting"]
    assert states(ledger) == ["pending"] * 3
    assert {row["subject"] for row in rows(ledger, facts)} == {"org_1"}
    assert [row["subject"] for row in rows(ledger, subjects)] == ["org_1"]


def test_a_moved_link_wakes_both_subjects(ledger: Ledger, inbox: Inbox) -> None:
    inbox.accept([intake(makers.customer(metadata={"org_id": "org_1"})), intake(makers.subscription())])

    inbox.accept([intake(makers.customer(metadata={"org_id": "org_2"}, version=2 * makers.SECOND))])

    assert {row["subject"] for row in rows(ledger, facts)} == {"org_2"}
    assert {row["subject"]: row["generation"] for row in rows(ledger, subjects)} == {"org_1": 2, "org_2": 1}


def test_an_older_statement_is_closed_on_arrival(ledger: Ledger, inbox: Inbox) -> None:
    inbox.accept([intake(makers.organization(version=9))])

    inbox.accept([intake(makers.organization(version=3, blocked="banned"))])

    assert states(ledger) == ["applied", "pending"]
    assert rows(ledger, subjects)[0]["generation"] == 1


def test_an_ignored_event_is_a_row_and_nothing_else(ledger: Ledger, inbox: Inbox) -> None:
    ignored = replace(makers.organization(), op=EventOp.IGNORE, entity=None)

    inbox.accept([intake(ignored)])

    assert states(ledger) == ["ignored"]
    assert rows(ledger, subjects) == []


def test_an_unusable_delivery_is_parked_with_its_reason_and_its_body(ledger: Ledger, inbox: Inbox) -> None:
    parked = Intake("stripe", (), b'{"id": "evt_1"}', Unusable("data.object is missing", delivery_id="evt_1"))

    inbox.accept([parked, parked])

    row = rows(ledger, events)[0]
    with ledger.transaction() as tx:
        kept = tx.events.body(row["id"])
    assert (row["state"], row["reason"]) == ("parked", "data.object is missing")
    assert kept is not None
    assert b"evt_1" not in kept[1]
    assert Sealer([b"k" * 32]).open(kept[1], kept[0]) == b'{"id": "evt_1"}'


def batch_of(*users: str, raw: bytes = b'{"batch": 1}') -> Intake:
    events_of = (replace(makers.user(one), delivery_id=f"evt_{one}") for one in users)
    return Intake("stripe", tuple(events_of), raw)


def bodies_by_delivery(ledger: Ledger) -> dict[str, bytes]:
    """What can be read again of each event."""
    found = {}
    for row in rows(ledger, events):
        with ledger.transaction() as tx:
            kept = tx.events.body(row["id"])
        assert kept is not None
        found[row["delivery_id"]] = Sealer([b"k" * 32]).open(kept[1], kept[0])
    return found


def test_a_batch_is_kept_once_for_all_its_events(ledger: Ledger, inbox: Inbox) -> None:
    inbox.accept([batch_of("user_1", "user_2", "user_3"), batch_of("user_4", raw=b"{}")])

    assert bodies_by_delivery(ledger) == {
        **{f"evt_user_{number}": b'{"batch": 1}' for number in (1, 2, 3)},
        "evt_user_4": b"{}",
    }
    assert sum(row["sealed"].startswith(POINTER) for row in rows(ledger, event_bodies)) == 2


def test_a_batch_that_begins_with_a_known_event_is_kept_for_the_others(ledger: Ledger, inbox: Inbox) -> None:
    inbox.accept([batch_of("user_1", "user_2")])
    inbox.accept([batch_of("user_2", "user_1", "user_3", "user_4", raw=b'{"batch": 2}')])

    found = bodies_by_delivery(ledger)

    assert found["evt_user_1"] == found["evt_user_2"] == b'{"batch": 1}'
    assert found["evt_user_3"] == found["evt_user_4"] == b'{"batch": 2}'


def test_a_membership_is_closed_by_its_users_turn_where_users_own(ledger: Ledger) -> None:
    inbox = Inbox(ledger, Sealer([b"k" * 32]), FakeClock(), Ownership(frozenset({Kind.USER}), RULES))

    inbox.accept([intake(makers.membership())])

    (row,) = rows(ledger, events)
    assert (row["state"], row["subject"]) == ("pending", makers.membership().member.id)  # type: ignore[union-attr]


def test_users_are_no_subjects_where_organisations_own(ledger: Ledger) -> None:
    inbox = Inbox(ledger, Sealer([b"k" * 32]), FakeClock(), Ownership(frozenset({Kind.ORGANIZATION}), RULES))

    inbox.accept([intake(makers.user()), intake(makers.membership())])

    assert [row["subject"] for row in rows(ledger, subjects)] == ["org_1"]


def test_a_membership_is_finished_by_its_user_where_only_users_own(ledger: Ledger) -> None:
    owners = Ownership(frozenset({Kind.USER}), RULES)
    inbox = Inbox(ledger, Sealer([b"k" * 32]), FakeClock(), owners)

    inbox.accept([intake(makers.membership("org_1", "user_1"))])

    assert [(row["state"], row["subject"]) for row in rows(ledger, events)] == [("pending", "user_1")]


def test_writers_at_the_same_time_lose_no_link_and_no_statement(ledger: Ledger, inbox: Inbox) -> None:
    said = [makers.subscription(f"sub_{number}", customer_id="cus_1") for number in range(12)]
    said.insert(6, makers.checkout("cus_1", "org_1"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: inbox.accept([intake(one)]), said))

    assert {row["subject"] for row in rows(ledger, facts)} == {"org_1"}
    assert states(ledger) == ["pending"] * 13


def test_the_body_of_an_understood_event_is_kept_for_a_replay_and_that_of_an_ignored_one_is_not(
    ledger: Ledger, inbox: Inbox
) -> None:
    said = makers.organization()
    inbox.accept([intake(said), intake(replace(said, delivery_id="msg_x", op=EventOp.IGNORE, entity=None))])

    stored = rows(ledger, events)
    with ledger.transaction() as tx:
        bodies = {row["state"]: tx.events.body(row["id"]) for row in stored}

    assert bodies["pending"] is not None
    assert bodies["ignored"] is None


def test_text_with_a_nul_is_refused_and_an_escaped_one_inside_a_body_is_not(
    ledger: Ledger, inbox: Inbox
) -> None:
    with pytest.raises(Park):
        inbox.accept([intake(makers.organization("org_\0"))])

    receipts = inbox.accept([intake(makers.customer(metadata={"note": "a\0b"}))])

    assert receipts[0].accepted == 1
    assert len(rows(ledger, events)) == 1
