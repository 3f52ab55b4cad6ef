"""The standing check, end to end in one process: what it finds, what it shows meanwhile, what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa
from unkey_sync import reports
from unkey_sync.clock import SECOND
from unkey_sync.configfile import parse_document
from unkey_sync.handover.slots import to_revoked, to_rotated
from unkey_sync.ledger.tables import keys, subjects
from unkey_sync.policy import read_policy
from unkey_sync.telemetry.ledger_gauges import LedgerGauges
from unkey_sync.telemetry.metrics import Metrics
from unkey_sync.watch.asking import Asking
from unkey_sync.watch.ledger_look import look
from unkey_sync.watch.loop import Watch, WatchPace
from unkey_sync.watch.state import WatchState

from tests import makers
from tests.engine.handing import decide, make_house, usable, verdicts
from tests.house import API_ID, House

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

POLICY = b"""
[subjects]
owner = "organization"
[lifecycle]
deleted = { disable = "now", erase_after = "30d" }
"""
ERASED = b"""
[subjects]
owner = "organization"
[lifecycle]
deleted = { disable = "now", erase_after = "0s" }
"""
IN_FLIGHT_S = 150


class Desk:
    """What `status` and `/metrics` need of a runtime."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.ledger, self.clock = house.ledger, house.clock
        self.watch = Watch(
            house.ledger,
            Asking(house.ledger, house.client, house.clock),
            house.clock,
            WatchPace(look_every_s=5, settle_s=30),
        )

    class settings:  # noqa: N801
        class timings:  # noqa: N801
            in_flight_s = IN_FLIGHT_S

    def breaches(self) -> dict[str, Any]:
        runtime: Any = self
        with self.ledger.transaction() as tx:
            return reports.breaches(tx, runtime)

    def metric(self, cause: str) -> str:
        runtime: Any = self
        metrics = Metrics("1", "dev")
        metrics.register(LedgerGauges(lambda: {"breaches": self.breaches()["by_cause"]}))
        assert runtime
        text = metrics.render()[0].decode()
        return next(
            line.rpartition(" ")[2]
            for line in text.splitlines()
            if f'unkey_sync_breaches{{cause="{cause}"}}' in line
        )

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.house.clock.advance(5)
            self.watch.run_once()


def make(ledger: Ledger, policy: bytes = POLICY) -> Desk:
    house = House(ledger, read_policy(parse_document(policy, "test.toml")))
    house.accept(makers.organization())
    house.settle()
    return Desk(house)


def suspend(desk: Desk) -> None:
    desk.house.accept(makers.organization(blocked="banned", version=5 * makers.SECOND))
    settle_fully(desk.house)


def settle_fully(house: House) -> None:
    """Until the verifying listing is behind us."""
    for _ in range(4):
        house.work()
        house.clock.advance(31)


def make_key(house: House) -> str:
    return str(house.call("keys.createKey", {"apiId": API_ID, "externalId": "org_1"})["data"]["key"])


@pytest.mark.parametrize("ending", ["suspended", "retained", "removed"])
def test_a_key_made_elsewhere_after_a_verified_closing_is_found_shown_and_disabled(
    ledger: Ledger, ending: str
) -> None:
    desk = make(ledger, ERASED if ending == "removed" else POLICY)
    if ending == "suspended":
        suspend(desk)
    else:
        desk.house.accept(makers.deleted(makers.organization(), version=desk.house.clock.now()))
        settle_fully(desk.house)
    key = make_key(desk.house)
    assert verdicts(desk.house, key) == ["VALID"]

    desk.look(2)
    meanwhile, metric = desk.breaches(), desk.metric(ending)
    settle_fully(desk.house)
    desk.look(4)

    assert (meanwhile["total"], meanwhile["by_cause"][ending], metric) == (1, 1, "1.0")
    assert meanwhile["keys"][0]["subject"] == "org_1"
    assert verdicts(desk.house, key) == ["NOT_FOUND" if ending == "removed" else "DISABLED"]
    assert (desk.breaches()["total"], desk.metric(ending)) == (0, "0.0")
    if ending == "removed":
        assert desk.house.identity("org_1") is None


def test_a_suspended_customer_gets_such_a_key_back_with_their_access(ledger: Ledger) -> None:
    desk = make(ledger)
    suspend(desk)
    key = make_key(desk.house)
    desk.look(2)
    settle_fully(desk.house)

    desk.house.accept(makers.organization(version=9 * makers.SECOND))
    settle_fully(desk.house)

    assert verdicts(desk.house, key) == ["VALID"]


def test_subjects_with_access_and_subjects_at_work_are_not_asked_about(ledger: Ledger) -> None:
    desk = make(ledger)
    make_key(desk.house)
    desk.look(3)
    desk.house.accept(makers.organization(blocked="banned", version=5 * makers.SECOND))
    desk.house.transport.calls.clear()

    desk.look(3)

    assert desk.house.transport.calls == []
    assert desk.breaches()["total"] == 0


def test_asking_is_slow_however_often_a_look_is_taken(ledger: Ledger) -> None:
    desk = make(ledger)
    suspend(desk)
    desk.house.transport.calls.clear()

    for _ in range(60):
        desk.house.clock.advance(1)
        desk.watch.run_once()

    assert desk.house.transport.calls == ["apis.listKeys"] * 12


def test_of_two_workers_one_looks(ledger: Ledger) -> None:
    desk = make(ledger)
    suspend(desk)
    other = Desk(desk.house)
    desk.house.transport.calls.clear()
    desk.house.clock.advance(5)

    desk.watch.run_once()
    other.watch.run_once()

    assert desk.house.transport.calls == ["apis.listKeys"]


def test_news_that_come_while_unkey_is_asked_make_the_answer_worthless(ledger: Ledger) -> None:
    desk = make(ledger)
    suspend(desk)
    make_key(desk.house)

    def unsuspend(_operation: str) -> None:
        desk.house.transport.before = lambda _: None
        desk.house.accept(makers.organization(version=9 * makers.SECOND))

    desk.house.transport.before = unsuspend
    desk.look()

    assert desk.breaches()["total"] == 0


def test_a_parked_subject_stays_parked_and_its_key_is_shown(ledger: Ledger) -> None:
    desk = make(ledger)
    suspend(desk)
    make_key(desk.house)
    with ledger.engine.begin() as connection:
        connection.execute(sa.update(subjects).values(parked_code="park", parked_reason="x", due_at=None))

    desk.look(2)

    assert desk.breaches()["by_cause"]["suspended"] == 1
    assert desk.house.work() == 0


def test_unkey_being_away_stops_neither_the_look_nor_the_thread(ledger: Ledger) -> None:
    desk = make(ledger)
    suspend(desk)

    def fail(_operation: str) -> None:
        raise ZeroDivisionError

    desk.house.transport.before = fail

    desk.look(3)

    assert desk.breaches()["looked_seconds"] == 0


def set_enabled(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(sa.update(keys).values(enabled=True))


@pytest.fixture
def closed(ledger: Ledger) -> Desk:
    """A suspended subject of whose key the ledger believes that it is enabled."""
    desk = make(ledger)
    make_key(desk.house)
    suspend(desk)
    set_enabled(ledger)
    return desk


def test_an_enabled_key_of_a_closed_subject_counts_once_work_under_way_explains_it_no_more(
    closed: Desk,
) -> None:
    closed.look()
    at_once = closed.breaches()["total"]
    closed.house.clock.advance(IN_FLIGHT_S)
    closed.look()

    assert at_once == 0
    assert closed.breaches()["by_cause"]["suspended"] == 1


def test_a_breach_is_forgotten_at_the_next_look_after_its_end(closed: Desk, ledger: Ledger) -> None:
    closed.look()
    closed.house.clock.advance(IN_FLIGHT_S)
    with ledger.engine.begin() as connection:
        connection.execute(sa.update(keys).values(enabled=False))

    closed.look()

    assert closed.breaches()["total"] == 0


def test_a_removal_that_keeps_failing_is_a_breach_although_it_was_never_reached(ledger: Ledger) -> None:
    desk = make(ledger)
    make_key(desk.house)
    desk.house.accept(makers.organization(blocked="banned", version=5 * makers.SECOND))
    desk.house.work()
    desk.house.accept(makers.organization(version=6 * makers.SECOND))
    desk.house.settle()

    def refuse(operation: str) -> None:
        if operation == "keys.updateKey":
            raise httpx.ConnectError("stub")

    desk.house.transport.before = refuse
    desk.house.accept(makers.deleted(makers.organization(), version=desk.house.clock.now()))
    for _ in range(8):
        desk.house.work()
        desk.look()
        desk.house.clock.advance(31)

    assert desk.breaches()["by_cause"]["retained"] == 1


def test_a_rotation_with_an_overlap_is_no_breach_and_two_keys_without_end_are(ledger: Ledger) -> None:
    house = make_house(ledger)
    desk = Desk(house)
    decide(house, lambda observed, slot: to_rotated(observed, slot, house.clock.now() + 3600 * SECOND))
    house.settle()
    assert len(usable(house)) == 2
    desk.look()
    house.clock.advance(IN_FLIGHT_S)
    desk.look()
    overlapping = desk.breaches()["total"]
    with ledger.engine.begin() as connection:
        connection.execute(sa.update(keys).values(expires_at=None))

    desk.look()
    house.clock.advance(IN_FLIGHT_S)
    desk.look()

    assert overlapping == 0
    assert desk.breaches()["by_cause"]["beyond_slot"] == 1


def test_a_revoked_key_that_is_still_enabled_is_a_breach(ledger: Ledger) -> None:
    house = make_house(ledger)
    desk = Desk(house)
    decide(house, to_revoked)

    desk.look()
    house.clock.advance(IN_FLIGHT_S)
    desk.look()
    shown = desk.breaches()["by_cause"]["beyond_slot"]
    house.settle()
    desk.look()

    assert shown == 1
    assert desk.breaches()["total"] == 0


def test_a_key_whose_subject_is_gone_is_a_breach(ledger: Ledger) -> None:
    house = make_house(ledger)
    desk = Desk(house)
    with ledger.engine.begin() as connection:
        connection.execute(sa.delete(subjects))

    desk.look()
    house.clock.advance(IN_FLIGHT_S)
    desk.look()

    assert desk.breaches()["by_cause"]["gone"] == 1


def test_page_by_page_everything_is_looked_at(ledger: Ledger) -> None:
    house = House(ledger, read_policy(parse_document(POLICY, "test.toml")))
    for number in range(7):
        house.accept(makers.organization(f"org_{number}"))
    house.settle()
    for number in range(7):
        house.call("keys.createKey", {"apiId": API_ID, "externalId": f"org_{number}"})
        house.accept(makers.organization(f"org_{number}", blocked="banned", version=5 * makers.SECOND))
    settle_fully(house)
    set_enabled(ledger)

    found, state = [], WatchState()
    for _ in range(4):
        with ledger.transaction() as tx:
            state = look(tx, replace(state), house.clock.now(), page=2)
            found.append(len(tx.breaches.page(house.clock.now(), 100)))

    assert found == [2, 4, 6, 7]
    assert (state.closed_after, state.keys_after) == ("", "")
