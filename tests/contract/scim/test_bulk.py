"""Bulk (RFC 7644, section 3.7): one transaction, references between its operations, limits, errors one by one."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.ledger import migrate
from unkey_sync.ledger.fact_rows import Raced
from unkey_sync.ledger.store import Ledger
from unkey_sync.scim.bulk import OPERATIONS_LIMIT

from tests.contract.scim.idp import GROUP, PATCH, USER, IdentityProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.scim.desk import Desk

USERS = "/Users"


def user(name: str, bulk_id: str, **more: Any) -> dict[str, Any]:
    data = {"schemas": [USER], "userName": name, **more}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def group(name: str, bulk_id: str, *members: str) -> dict[str, Any]:
    data = {"schemas": [GROUP], "displayName": name, "members": [{"value": one} for one in members]}
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data}


def patch(path: str, *operations: dict[str, Any], **more: Any) -> dict[str, Any]:
    data = {"schemas": [PATCH], "Operations": operations}
    return {"method": "PATCH", "path": path, "data": data, **more}


def outcomes(response: Any) -> list[dict[str, Any]]:
    assert response.status == 200, response.body
    return list(response.body["Operations"])


def statuses(response: Any) -> list[str]:
    return [one["status"] for one in outcomes(response)]


def ids(response: Any) -> list[str]:
    return [one["location"].rpartition("/")[2] for one in outcomes(response)]


def test_every_kind_of_operation_is_carried_out_and_told_one_by_one(idp: IdentityProvider) -> None:
    ann, bob, cid = (idp.user(name) for name in ("ann", "bob", "cid"))
    off = {"op": "replace", "value": {"active": False}}

    said = idp.bulk(
        user("dee", "d"),
        patch(f"{USERS}/{ann}", off),
        {"method": "PUT", "path": f"{USERS}/{bob}", "data": {"schemas": [USER], "userName": "bobby"}},
        {"method": "DELETE", "path": f"{USERS}/{cid}"},
        {"method": "DELETE", "path": f"{USERS}/unknown"},
    )

    assert statuses(said) == ["201", "200", "200", "204", "404"]
    made = outcomes(said)[0]
    assert made["bulkId"] == "d"
    assert made["version"] == idp.show(f"Users/{ids(said)[0]}")["meta"]["version"]
    assert idp.fact("user", ann).body["blocked"] == "deprovisioned"
    assert idp.show(f"Users/{bob}")["userName"] == "bobby"
    assert idp.fact("user", cid).deleted


def test_references_are_resolved_whatever_the_order(idp: IdentityProvider) -> None:
    said = idp.bulk(group("Sales", "g", "bulkId:a"), user("ann", "a"))

    sales, ann = ids(said)
    assert statuses(said) == ["201", "201"]
    assert idp.members(sales) == {ann}
    assert idp.fact("membership", f"{sales}:{ann}").body["role"] == "Sales"


def test_a_path_and_a_patch_may_refer_to_what_is_made(idp: IdentityProvider) -> None:
    join = {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]}

    said = idp.bulk(user("ann", "a"), group("Sales", "g"), patch("/Groups/bulkId:g", join))

    ann, sales, _ = ids(said)
    assert statuses(said) == ["201", "201", "200"]
    assert idp.members(sales) == {ann}


def test_groups_that_contain_each_other_are_made(idp: IdentityProvider) -> None:
    said = idp.bulk(group("A", "a", "bulkId:b"), group("B", "b", "bulkId:a", "bulkId:u"), user("ann", "u"))

    first, second, ann = ids(said)
    assert statuses(said) == ["201"] * 3
    assert idp.members(first) == {second}
    assert idp.members(second) == {first, ann}


def test_a_circle_that_cannot_be_closed_is_a_conflict_and_leaves_nothing_half_made(
    idp: IdentityProvider,
) -> None:
    broken = group("B", "b", "bulkId:a")
    del broken["data"]["displayName"]

    said = idp.bulk(group("A", "a", "bulkId:b"), broken, user("ann", "u"))

    assert statuses(said) == ["409", "400", "201"] or statuses(said) == ["409", "409", "201"]
    assert idp.show("/Groups")["totalResults"] == 0
    assert idp.show("/Users")["totalResults"] == 1


def test_a_reference_to_nothing_is_a_conflict(idp: IdentityProvider) -> None:
    said = idp.bulk(group("A", "a", "bulkId:nobody"))

    assert statuses(said) == ["409"]
    assert idp.show("/Groups")["totalResults"] == 0


@pytest.mark.parametrize(("limit", "ran"), [(1, 2), (2, 4), (None, 5)])
def test_fail_on_errors_stops_and_keeps_what_was_done(
    idp: IdentityProvider, limit: int | None, ran: int
) -> None:
    idp.user("taken")
    more = {} if limit is None else {"failOnErrors": limit}

    said = idp.bulk(
        user("ann", "1"), user("taken", "2"), user("bob", "3"), user("taken", "4"), user("cid", "5"), **more
    )

    assert statuses(said) == ["201", "409", "201", "409", "201"][:ran]
    assert outcomes(said)[1]["response"]["scimType"] == "uniqueness"
    assert idp.show("/Users")["totalResults"] == 1 + statuses(said).count("201")


def test_a_failed_operation_leaves_nothing_of_itself(
    idp: IdentityProvider, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parts are rolled back to its savepoint: the rename is stored before the member is found missing."""
    ann = idp.user("ann")
    sales = idp.group("Sales", ann)
    rename = {"op": "replace", "path": "displayName", "value": "Other"}
    join = {"op": "add", "path": "members", "value": [{"value": "nobody"}]}

    said = idp.bulk(patch(f"/Groups/{sales}", rename, join), user("bob", "b"))

    assert statuses(said) == ["400", "201"]
    assert idp.show(f"Groups/{sales}")["displayName"] == "Sales"


def test_a_version_is_a_condition(idp: IdentityProvider) -> None:
    ann = idp.user("ann")
    off = {"op": "replace", "value": {"active": False}}

    said = idp.bulk(patch(f"{USERS}/{ann}", off, version='W/"1"'))

    assert statuses(said) == ["412"]


def test_too_many_operations_are_refused_with_the_limit(idp: IdentityProvider) -> None:
    config = idp.show("/ServiceProviderConfig")["bulk"]

    said = idp.bulk(*[user(f"user{number}", str(number)) for number in range(OPERATIONS_LIMIT + 1)])

    assert config["supported"]
    assert config["maxOperations"] == OPERATIONS_LIMIT
    assert said.status == 413
    assert str(OPERATIONS_LIMIT) in (said.body or {})["detail"]
    assert idp.said() == []


def test_too_large_a_bulk_is_refused_with_the_limit(idp: IdentityProvider) -> None:
    limit = idp.show("/ServiceProviderConfig")["bulk"]["maxPayloadSize"]

    said = idp.bulk(user("ann", "a", nickName="x" * limit))

    assert said.status == 413
    assert str(limit) in (said.body or {})["detail"]


def test_a_repeated_bulk_doubles_nothing(idp: IdentityProvider) -> None:
    ann = idp.user("ann")
    off = {"op": "replace", "value": {"active": False}}
    operations = [user("bob", "b"), group("Sales", "g", ann), patch(f"{USERS}/{ann}", off)]
    idp.bulk(*operations)
    before = idp.said()

    again = idp.bulk(*operations)

    assert statuses(again) == ["409", "409", "200"]
    assert idp.said() == before
    assert idp.show("/Groups")["totalResults"] == 1


def test_another_writer_in_the_way_means_once_more_from_the_start(
    idp: IdentityProvider, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = desk._inbox.accept_within
    hindrances = [None, Raced()]  # in the second operation of the first attempt

    def raced_once(*arguments: Any) -> None:
        if hindrances and (hindrance := hindrances.pop(0)):
            raise hindrance
        store(*arguments)

    monkeypatch.setattr(desk._inbox, "accept_within", raced_once)

    said = idp.bulk(user("ann", "a"), user("bob", "b"))

    assert statuses(said) == ["201", "201"]
    assert len(idp.said()) == 2


_VICTIM = """
import os, signal, sys
from tests.contract.scim.test_bulk import people
from tests.contract.scim.victim import provider

idp, inbox = provider(sys.argv[1])
store, left = inbox.accept_within, [int(sys.argv[2])]

def killed(*arguments):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    store(*arguments)

inbox.accept_within = killed
idp.bulk(*people())
print("answered")
"""


def people() -> list[dict[str, Any]]:
    """A Bulk of five users and a group of them."""
    return [*(user(f"user{one}", str(one)) for one in range(5)), group("All", "g", *_REFERENCES)]


_REFERENCES = [f"bulkId:{one}" for one in range(5)]


@pytest.mark.parametrize("operations", [0, 1, 3, 5])
def test_killed_in_the_middle_nothing_is_done_and_the_repetition_does_it_all(
    tmp_path: Path, operations: int, reopen: Callable[[str], IdentityProvider]
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    ledger = Ledger(url)
    migrate.upgrade(ledger.engine)
    ledger.close()

    ended = subprocess.run(
        [sys.executable, "-c", _VICTIM, url, str(operations)],
        capture_output=True,
        cwd=Path.cwd(),
        check=False,
    )
    idp = reopen(url)
    left = idp.said(), idp.show("/Users")["totalResults"]
    again = idp.bulk(*people())

    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert left == ([], 0)
    assert statuses(again) == ["201"] * 6
    assert len(idp.members(ids(again)[-1])) == 5
