"""Budgets: how many SQL statements and Unkey calls one thing may cost, on both databases, whatever the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from unkey_sync.configfile import parse_document
from unkey_sync.intake import Intake
from unkey_sync.policy import read_policy
from unkey_sync_connectors.event import Event

from tests import makers
from tests.house import House

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unkey_sync.ledger.store import Ledger

POLICY = b"""
[subjects]
owner = "organization"
[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m" }]
[[plans]]
name = "pro"
rank = 10
match = [{ source = "stripe", lookup_key = "pro_monthly" }]
identity.ratelimits = [{ name = "requests", limit = 1000, duration = "1m" }]
"""

Statements = list[str]


@pytest.fixture
def house(ledger: Ledger) -> House:
    return House(ledger, read_policy(parse_document(POLICY, "test.toml")))


@pytest.fixture
def statements(ledger: Ledger) -> Iterator[Statements]:
    """Every statement that is executed, BEGIN aside: SQLite's is ours, PostgreSQL's is the driver's."""
    seen: Statements = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    sa.event.listen(ledger.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(ledger.engine, "before_cursor_execute", note)


def deliver(house: House, *events: Event) -> None:
    """All of them as one group."""
    house.inbox.accept([Intake(event.source, (event,), b"{}") for event in events])


def cost(statements: Statements, work: Callable[[], object]) -> int:
    before = len(statements)
    work()
    return len(statements) - before


def make_due(house: House, count: int) -> None:
    with house.ledger.transaction() as tx:
        tx.subjects.mark_due({f"org_{number}": 0 for number in range(count)})


def test_accepting_an_auth_event_takes_five_statements(house: House, statements: Statements) -> None:
    taken = cost(statements, lambda: deliver(house, makers.organization()))

    assert 0 < taken <= 5


def test_accepting_a_billing_event_of_a_new_customer_takes_ten_statements(
    house: House, statements: Statements
) -> None:
    said = makers.customer(metadata={"org_id": "org_1"})

    taken = cost(statements, lambda: deliver(house, said))

    assert 0 < taken <= 10


def test_accepting_a_billing_event_of_a_known_customer_takes_eight_statements(
    house: House, statements: Statements
) -> None:
    deliver(house, makers.customer(metadata={"org_id": "org_1"}))

    taken = cost(statements, lambda: deliver(house, makers.subscription()))

    assert 0 < taken <= 8


def test_a_duplicate_takes_two_statements(house: House, statements: Statements) -> None:
    said = makers.organization()
    deliver(house, said)

    taken = cost(statements, lambda: deliver(house, said))

    assert 0 < taken <= 2


def test_accepting_a_hundred_events_takes_no_more_statements_than_one(
    house: House, statements: Statements
) -> None:
    organizations = [makers.organization(f"org_{number}") for number in range(50)]
    customers = [makers.customer(f"cus_{n}", metadata={"org_id": f"org_{n}"}) for n in range(50)]

    taken = cost(statements, lambda: deliver(house, *organizations, *customers))

    assert 0 < taken <= 10


@pytest.mark.parametrize("count", [1, 100])
def test_unchanged_subjects_take_seven_statements_and_no_call_however_many_they_are(
    house: House, statements: Statements, count: int
) -> None:
    deliver(house, *(makers.organization(f"org_{number}") for number in range(count)))
    house.settle()
    calls = len(house.transport.calls)
    make_due(house, count)

    taken = cost(statements, house.work)

    assert 0 < taken <= 7
    assert len(house.transport.calls) == calls


def test_a_sign_up_takes_one_call(house: House) -> None:
    house.accept(makers.organization())

    house.settle()

    assert house.transport.calls == ["identities.createIdentity"]


def test_a_new_plan_takes_one_read_and_one_write(house: House) -> None:
    house.accept(makers.organization(), makers.customer(metadata={"org_id": "org_1"}))
    house.settle()
    house.transport.calls.clear()

    house.accept(makers.subscription())
    house.settle()

    assert house.transport.calls == ["identities.getIdentity", "identities.updateIdentity"]


def test_suspending_a_subject_without_keys_lists_its_keys_twice(house: House) -> None:
    house.accept(makers.organization())
    house.settle()
    house.transport.calls.clear()

    house.accept(makers.organization(blocked="banned", version=2 * makers.SECOND))
    for _ in range(4):  # at once, once more when Unkey has settled, and never again
        house.work()
        house.clock.advance(31)

    assert house.transport.calls == ["apis.listKeys"] * 2


def test_a_deletion_lists_keys_twice_and_deletes_once(house: House) -> None:
    said = makers.organization()
    house.accept(said)
    house.settle()
    house.transport.calls.clear()

    house.accept(makers.deleted(said))
    for _ in range(4):
        house.work()
        house.clock.advance(31)

    assert house.transport.calls == ["apis.listKeys", "apis.listKeys", "identities.deleteIdentity"]
