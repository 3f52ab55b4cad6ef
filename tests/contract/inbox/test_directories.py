"""A deleted directory takes its users with it on every database: in every order, in one batch or many, under load."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from unkey_sync.batch import Ownership
from unkey_sync.clock import FakeClock
from unkey_sync.errors import Park
from unkey_sync.inbox import Inbox
from unkey_sync.intake import Intake
from unkey_sync.ledger.codec import load_register
from unkey_sync.ledger.tables import events, facts, subjects
from unkey_sync.seal import Sealer
from unkey_sync_connectors.base import Page
from unkey_sync_connectors.event import Event, Kind

from tests import makers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.ledger.store import Ledger

USERS = ("user_1", "user_2", "user_3")
STRANGER = "user_9"


@pytest.fixture
def inbox(ledger: Ledger) -> Inbox:
    owners = Ownership(frozenset({Kind.USER, Kind.ORGANIZATION}), ())
    return Inbox(ledger, Sealer([b"k" * 32]), FakeClock(), owners)


def intake(*said: Event) -> Intake:
    return Intake("workos", said, b"{}")


def membership(user_id: str, **changes: Any) -> Event:
    return replace(makers.membership("org_1", user_id, **changes), source="workos")


def gone(directory_id: str = "dir_1") -> Event:
    return makers.deleted(makers.directory(directory_id), type="dsync.deleted")


def shown(ledger: Ledger) -> dict[tuple[str, str], tuple[Any, ...]]:
    """What is known of each entity, ids of our own aside."""
    with ledger.engine.connect() as connection:
        rows = connection.execute(sa.select(facts)).all()
    found = {}
    for row in rows:
        register = replace(load_register(row.register), event_id="")
        found[row.entity_kind, row.entity_id] = (register, row.subject, row.member, row.owner_id)
    return found


def dead(ledger: Ledger, kind: Kind = Kind.USER) -> set[str]:
    return {name for (of, name), (register, *_) in shown(ledger).items() if of == kind and register.deleted}


@contextmanager
def statements(ledger: Ledger) -> Iterator[list[str]]:
    """Every statement that is executed meanwhile, BEGIN aside."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    sa.event.listen(ledger.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(ledger.engine, "before_cursor_execute", note)


def generations(ledger: Ledger) -> dict[str, int]:
    with ledger.engine.connect() as connection:
        rows = connection.execute(sa.select(subjects).where(subjects.c.due_at.isnot(None)))
        return {row.subject: row.generation for row in rows}


def test_users_are_their_own_subjects_and_a_directory_is_nobodys(ledger: Ledger, inbox: Inbox) -> None:
    inbox.accept([intake(makers.directory()), intake(makers.directory_user())])

    assert generations(ledger) == {"user_1": 1}
    assert shown(ledger)["user", "user_1"][1:] == ("user_1", None, "dir_1")


def test_all_users_and_memberships_of_a_deleted_directory_end_and_are_due_with_its_event(
    ledger: Ledger, inbox: Inbox
) -> None:
    inbox.accept([intake(makers.directory_user(one), membership(one)) for one in USERS])
    inbox.accept([intake(makers.directory_user(STRANGER, "dir_2"), membership(STRANGER))])
    inbox.accept([intake(replace(makers.user("user_8"), source="workos"))])
    before = generations(ledger)

    inbox.accept([intake(gone())])

    assert dead(ledger) == set(USERS)
    assert dead(ledger, Kind.MEMBERSHIP) == {f"org_1:{one}" for one in USERS}
    woken = {one for one, number in generations(ledger).items() if number > before[one]}
    assert woken == {*USERS, "org_1"}
    with ledger.engine.connect() as connection:
        (told,) = connection.execute(sa.select(events).where(events.c.entity_kind == "directory")).all()
    assert (told.state, told.reason) == ("applied", None)


SAID = (
    (makers.directory_user("user_1"), membership("user_1")),
    (makers.directory_user("user_1", version=5 * makers.SECOND, blocked="deprovisioned"),),
    (makers.directory_user("user_2", version=9 * makers.SECOND), membership("user_2")),
    (gone(),),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(SAID)))))
def test_every_order_with_duplicates_ends_in_the_same_facts(
    ledger: Ledger, inbox: Inbox, order: tuple[int, ...]
) -> None:
    for number in order:
        inbox.accept([intake(*SAID[number])])
        inbox.accept([intake(*SAID[order[0]])])

    found = shown(ledger)
    assert dead(ledger) == {"user_1", "user_2"}
    assert dead(ledger, Kind.MEMBERSHIP) == {"org_1:user_1", "org_1:user_2"}
    assert found["user", "user_2"][0].version == 9 * makers.SECOND
    assert found["user", "user_1"][0].body_version == gone().version
    assert set(generations(ledger)) == {"user_1", "user_2", "org_1"}


@pytest.mark.parametrize("backwards", [False, True])
def test_in_one_batch_it_is_the_same(ledger: Ledger, inbox: Inbox, backwards: bool) -> None:
    said = [intake(*one) for one in SAID]

    inbox.accept([*(said[::-1] if backwards else said), said[0], said[-1]])

    assert dead(ledger) == {"user_1", "user_2"}
    assert set(generations(ledger)) == {"user_1", "user_2", "org_1"}


def test_a_directory_that_another_delivery_deletes_again_wakes_nobody(ledger: Ledger, inbox: Inbox) -> None:
    inbox.accept([intake(makers.directory_user())])
    inbox.accept([intake(gone())])
    before = generations(ledger)

    inbox.accept([intake(gone())])
    inbox.accept([intake(makers.directory())])

    assert generations(ledger) == before
    assert dead(ledger) == {"user_1"}


def test_a_user_whose_directory_is_learnt_after_its_end_ends_with_its_membership(
    ledger: Ledger, inbox: Inbox
) -> None:
    inbox.accept([intake(makers.directory_user(owner=None), membership("user_1"))])
    inbox.accept([intake(gone())])
    before = dead(ledger)

    inbox.accept([intake(makers.directory_user(version=2 * makers.SECOND))])

    assert before == set()
    assert (dead(ledger), dead(ledger, Kind.MEMBERSHIP)) == ({"user_1"}, {"org_1:user_1"})


def test_a_listing_teaches_the_directory_of_users_who_are_known_without_it(
    ledger: Ledger, inbox: Inbox
) -> None:
    """Rows of an older release do not say it; the listing says otherwise nothing that was not heard before."""
    user = makers.directory_user()
    with ledger.transaction() as tx:
        inbox.observe("workos", Page(events=[replace(user, owner=None)], checkpoint="", last=True), tx)
    with ledger.transaction() as tx:
        news = inbox.observe("workos", Page(events=[user], checkpoint="", last=True), tx)

    inbox.accept([intake(gone())])

    assert news == 0
    assert dead(ledger) == {"user_1"}


def test_a_delete_that_is_not_for_good_and_one_of_another_source_take_nobody(
    ledger: Ledger, inbox: Inbox
) -> None:
    inbox.accept([intake(makers.directory_user())])

    inbox.accept([intake(replace(gone(), terminal=False)), intake(replace(gone(), source="workos-eu"))])

    assert dead(ledger) == set()


def die_over(ledger: Ledger, inbox: Inbox, said: Event) -> None:
    """All is written, nothing is committed."""
    with ledger.transaction() as tx:
        inbox.accept_within(tx, [intake(said)])
        raise SystemExit


def test_a_transaction_that_fails_leaves_neither_the_event_nor_a_dead_user(
    ledger: Ledger, inbox: Inbox
) -> None:
    inbox.accept([intake(*(makers.directory_user(one) for one in USERS))])
    told = gone()

    with pytest.raises(SystemExit):
        die_over(ledger, inbox, told)
    before = dead(ledger)
    inbox.accept([intake(told)])

    assert (before, dead(ledger)) == (set(), set(USERS))


def test_users_who_come_while_their_directory_goes_are_not_missed(ledger: Ledger, inbox: Inbox) -> None:
    """Neither transaction sees the other's rows; so they take turns."""
    said = [intake(makers.directory_user(f"user_{n}", f"dir_{n % 8}")) for n in range(80)]
    for number in range(8):
        said.insert(10 * number + 5, intake(gone(f"dir_{number}")))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: inbox.accept([one]), said))

    assert dead(ledger) == {f"user_{n}" for n in range(80)}


@pytest.mark.parametrize(
    ("said", "most"),
    [(makers.user(), 5), (makers.directory_user(), 6), (makers.deleted(makers.directory()), 8)],
)
def test_only_what_has_to_do_with_directories_costs_more(
    ledger: Ledger, inbox: Inbox, said: Event, most: int
) -> None:
    inbox.accept([intake(makers.directory_user("user_7"), membership("user_7"))])
    with statements(ledger) as seen:
        inbox.accept([intake(said)])

    assert 0 < len(seen) <= most


@pytest.mark.parametrize("name", ["dir_\0", "dir_\ud800"])
def test_a_directory_with_a_name_that_cannot_be_stored_is_refused(
    ledger: Ledger, inbox: Inbox, name: str
) -> None:
    with pytest.raises(Park):
        inbox.accept([intake(makers.directory_user("user_1", name))])


def test_a_large_directory_takes_no_more_statements_than_a_small_one(ledger: Ledger, inbox: Inbox) -> None:
    users = [f"user_{number}" for number in range(400)]
    said = [one for name in users for one in (makers.directory_user(name), membership(name))]
    with ledger.transaction() as tx:
        inbox.observe("workos", Page(events=said, checkpoint="", last=True), tx)

    with statements(ledger) as seen:
        inbox.accept([intake(gone())])

    assert 0 < len(seen) <= 8
    assert len(dead(ledger)) == len(users)
    assert set(generations(ledger)) == {*users, "org_1"}
