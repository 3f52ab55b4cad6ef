"""WorkOS deletes a directory: its users lose what they hold, whatever comes late, twice or in between."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest
from unkey_sync.feeder import Feeder
from unkey_sync.intake import Intake
from unkey_sync.ledger.tables import metadata
from unkey_sync.replay import replay
from unkey_sync.seal import Sealer
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.timestamps import to_iso

from tests.contract.sources.desk import Desk

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger
    from unkey_sync.wiring import Runtime

DIRECTORY, OTHER = "directory_1", "directory_2"
USERS = ("directory_user_1", "directory_user_2", "directory_user_3")
STRANGER = "directory_user_9"
_numbers = itertools.count(1)


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger, "workos")


def told(desk: Desk, event_type: str, at_s: int = 0, **data: Any) -> dict[str, Any]:
    """A sample as another event, `at_s` seconds from now."""
    found = desk.payload(event_type)
    at = to_iso(desk.house.clock.now() + at_s * 1_000_000)
    found.update(id=f"event_{next(_numbers):026}", created_at=at)
    found["data"].update(updated_at=at, **data)
    return found


def user(desk: Desk, user_id: str, directory: str = DIRECTORY, at_s: int = 0) -> dict[str, Any]:
    return told(desk, "dsync.user.updated", at_s, id=user_id, directory_id=directory, state="active")


def gone(desk: Desk, at_s: int = 1) -> dict[str, Any]:
    return told(desk, "dsync.deleted", at_s, id=DIRECTORY)


def settled_with_keys(desk: Desk) -> dict[str, str]:
    """Three users of one directory, one of another; a key of each."""
    desk.post_all([told(desk, "dsync.activated", id=DIRECTORY), *(user(desk, one) for one in USERS)])
    desk.post(user(desk, STRANGER, OTHER))
    desk.house.settle()
    return {one: desk.key_of(one) for one in (*USERS, STRANGER)}


def valid(desk: Desk, keys: dict[str, str]) -> set[str]:
    return {one for one, key in keys.items() if desk.verdict(key) == "VALID"}


def existing(desk: Desk) -> set[str]:
    return {one for one in (*USERS, STRANGER) if desk.house.identity(one) is not None}


def removed_later(desk: Desk) -> None:
    """No event is open any more, but identities go only once Unkey has settled."""
    desk.house.clock.advance(60)
    desk.house.settle()


def states(desk: Desk) -> set[str]:
    with desk.ledger.engine.connect() as connection:
        return {row.state for row in connection.execute(metadata.tables["events"].select())}


def test_the_keys_and_the_identities_of_its_users_go_and_nobody_elses(desk: Desk) -> None:
    keys = settled_with_keys(desk)

    desk.post(gone(desk))
    desk.house.work()
    at_once = valid(desk, keys)
    removed_later(desk)

    assert at_once == valid(desk, keys) == {STRANGER}
    assert existing(desk) == {STRANGER}
    assert states(desk) == {"applied"}


def test_a_second_delivery_changes_nothing_more(desk: Desk) -> None:
    keys = settled_with_keys(desk)
    body = orjson.dumps(gone(desk))
    desk.post(body)
    desk.house.settle()
    mutations = len(desk.house.transport.mutations)

    answers = [desk.post(body), desk.post(body), desk.post(gone(desk, 5))]
    desk.house.settle()

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert len(desk.house.transport.mutations) == mutations
    assert valid(desk, keys) == {STRANGER}


@pytest.mark.parametrize("at_s", [-60, 1, 60])
def test_what_comes_late_about_its_users_brings_nobody_back(desk: Desk, at_s: int) -> None:
    keys = settled_with_keys(desk)
    desk.post(gone(desk))
    desk.house.settle()

    desk.post_all([user(desk, USERS[0], at_s=at_s), user(desk, "directory_user_4", at_s=at_s)])
    desk.house.settle()

    assert valid(desk, keys) == {STRANGER}
    assert desk.house.identity("directory_user_4") is None
    assert states(desk) == {"applied"}


def test_a_directory_that_is_deleted_before_its_users_are_heard_of_gets_none(desk: Desk) -> None:
    desk.post(gone(desk))
    desk.house.settle()

    desk.post_all([*(user(desk, one) for one in USERS), user(desk, STRANGER, OTHER)])
    desk.house.settle()

    assert existing(desk) == {STRANGER}


def test_a_worker_that_dies_over_it_is_followed_by_one_that_finishes(desk: Desk) -> None:
    keys = settled_with_keys(desk)
    desk.post(gone(desk))
    calls = iter(range(3))

    def die(_operation: str) -> None:
        if next(calls, None) is None:
            raise SystemExit

    desk.house.transport.after = die
    desk.house.work_and_die()
    desk.house.transport.after = lambda _: None
    desk.house.clock.advance(600)
    desk.house.settle()

    assert valid(desk, keys) == {STRANGER}


def test_the_event_feed_alone_tells_it_too(desk: Desk) -> None:
    keys = settled_with_keys(desk)
    desk.world.log = [gone(desk)]

    assert _caught_up(desk) == 1
    assert _caught_up(desk) == 0
    desk.house.settle()

    assert valid(desk, keys) == {STRANGER}


def test_after_an_upgrade_a_backfill_and_a_replay_obey_what_older_releases_parked(desk: Desk) -> None:
    keys = settled_with_keys(desk)
    facts = metadata.tables["facts"]
    with desk.ledger.engine.begin() as connection:
        connection.execute(facts.update().values(owner_kind=None, owner_id=None))
    parked = Unusable("a deleted directory does not name its users", delivery_id="event_old")
    desk.house.inbox.accept([Intake("workos", (), orjson.dumps(gone(desk)), parked)])
    rows = {one: user(desk, one, at_s=-9)["data"] for one in USERS}
    desk.world.routes["/directories"] = lambda _: listed({"id": DIRECTORY})
    desk.world.routes["/directory_users"] = lambda _: listed(*rows.values())

    for _ in _feeder(desk).backfill("workos", desk.house.doubts._sources["workos"]):
        pass
    with desk.ledger.transaction() as tx:
        (row,) = tx.events.page(state="parked", source=None, limit=10)
    replayed = replay(_runtime(desk), row["id"])
    desk.house.settle()

    assert replayed.outcome == "replayed"
    assert valid(desk, keys) == {STRANGER}


def listed(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "list_metadata": {"before": None, "after": None}}


def _runtime(desk: Desk) -> Runtime:
    """As much of one as a replay needs."""
    house = desk.house
    parts = {"ledger": desk.ledger, "inbox": house.inbox, "clock": house.clock}
    connectors = {"workos": desk.connector}
    return cast("Runtime", SimpleNamespace(**parts, sealer=Sealer([b"k" * 32]), connectors=connectors))


def _feeder(desk: Desk) -> Feeder:
    return Feeder(desk.ledger, desk.house.inbox, desk.house.clock, lambda: None)


def _caught_up(desk: Desk) -> int:
    access = desk.house.doubts._sources["workos"]
    return sum(one.news for one in _feeder(desk).catch_up("workos", access))
