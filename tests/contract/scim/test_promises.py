"""What holds whoever provisions: one transaction, tenants apart, nothing personal in clear, serial writers, pace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from unkey_sync.errors import Retry
from unkey_sync.ledger.tables import metadata

from tests.contract.scim.idp import IdentityProvider

if TYPE_CHECKING:
    from unkey_sync.clock import FakeClock
    from unkey_sync.inbox import Inbox
    from unkey_sync.ledger.store import Ledger
    from unkey_sync.scim.desk import Desk

WORK = '/Users?filter=emails[type%20eq%20"work"].value%20eq%20"zoe@example.com"'


def everything(ledger: Ledger) -> str:
    """Every value of every table, as text."""
    with ledger.engine.connect() as connection:
        rows = [row for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]
    return repr(rows)


def test_a_tenant_neither_sees_nor_touches_what_is_anothers(
    idp: IdentityProvider, other: IdentityProvider
) -> None:
    user = idp.user("ann", externalId="7")

    made = other.post("/Groups", {"displayName": "Admins", "members": [{"value": user}]})

    assert other.get(f"Users/{user}").status == 404
    assert other.patch(f"Users/{user}", {"op": "replace", "value": {"active": False}}).status == 404
    assert other.delete(f"Users/{user}").status == 404
    assert other.show("/Users")["totalResults"] == 0
    assert other.find('/Users?filter=externalId%20eq%20"7"') == []
    assert made.status == 400
    assert other.said() == []
    assert other.user("ann") != user


def test_names_addresses_and_passwords_are_nowhere_in_clear(idp: IdentityProvider, ledger: Ledger) -> None:
    mails = [{"type": "work", "value": "zoe@example.com"}]
    user = idp.user("zoe.quill", displayName="Zoe Quill", emails=mails, password="hunter22", externalId="zq")
    idp.post("/Groups", {"displayName": "Sales", "members": [{"value": user, "display": "Zoe Quill"}]})

    kept = everything(ledger).lower()

    assert idp.find(WORK) == [user]
    assert user in kept
    assert not [word for word in ("zoe", "quill", "hunter22", "'zq'") if word in kept]


def test_an_old_version_is_refused_and_changes_nothing(idp: IdentityProvider) -> None:
    user = idp.user("ann")
    version = idp.show(f"Users/{user}")["meta"]["version"]
    off = {"op": "replace", "value": {"active": False}}

    first = idp.patch(f"Users/{user}", off, if_match=version)
    late = idp.patch(f"Users/{user}", {"op": "replace", "value": {"active": True}}, if_match=version)

    assert (first.status, late.status) == (204, 412)
    assert idp.show(f"Users/{user}")["active"] is False
    assert idp.get(f"Users/{user}", if_none_match=first.headers["ETag"]).status == 304


def test_versions_grow_although_the_clock_stands(idp: IdentityProvider) -> None:
    user = idp.user("ann")

    for active in (False, True, False):
        idp.patch(f"Users/{user}", {"op": "replace", "value": {"active": active}})

    known = idp.fact("user", user)
    assert known.body["blocked"] == "deprovisioned"
    assert not known.doubt


def test_a_failed_store_leaves_neither_resource_nor_event(
    desk: Desk, idp: IdentityProvider, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox: Inbox = desk._inbox
    ann = idp.user("ann")

    def away(*_: object) -> None:
        raise Retry("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "accept_within", away)
        refused = idp.post("/Users", {"userName": "bob"})
        kept = idp.patch(f"Users/{ann}", {"op": "replace", "value": {"active": False}})
    again = idp.post("/Users", {"userName": "bob"})

    assert (refused.status, kept.status) == (503, 503)
    assert refused.headers["Retry-After"] == "5"
    assert idp.show(f"Users/{ann}").get("active") is not False
    assert again.status == 201
    assert len(idp.said()) == 2


def test_a_deleted_user_leaves_every_group(idp: IdentityProvider) -> None:
    ann, bob = idp.user("ann"), idp.user("bob")
    group = idp.group("Sales", ann, bob)
    version = idp.show(f"Groups/{group}")["meta"]["version"]

    idp.delete(f"Users/{ann}")

    assert idp.members(group) == {bob}
    assert idp.show(f"Groups/{group}")["meta"]["version"] != version
    assert idp.fact("membership", f"{group}:{ann}").deleted
    assert idp.fact("user", ann).terminal


def test_a_deleted_group_ends_with_all_its_memberships(idp: IdentityProvider) -> None:
    ann = idp.user("ann")
    group = idp.group("Sales", ann)

    gone = idp.delete(f"Groups/{group}")

    assert gone.status == 204
    assert idp.fact("organization", group).deleted
    assert idp.fact("membership", f"{group}:{ann}").deleted
    assert not idp.fact("user", ann).deleted


def test_a_group_inside_a_group_grants_nothing(idp: IdentityProvider) -> None:
    inner = idp.group("Inner")

    outer = idp.group("Outer", inner)

    assert idp.members(outer) == {inner}
    assert [kind for kind, _ in idp.said()] == ["organization.updated"] * 2


def test_concurrent_patches_of_one_group_all_hold(idp: IdentityProvider) -> None:
    users = [idp.user(f"user{number}") for number in range(12)]
    group = idp.group("Sales")

    def join(user: str) -> int:
        add = {"op": "add", "path": "members", "value": [{"value": user}]}
        return int(idp.patch(f"Groups/{group}", add).status)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(join, users))

    assert set(answers) == {204}
    assert idp.members(group) == set(users)


def test_pages_show_everybody_once(idp: IdentityProvider, clock: FakeClock) -> None:
    users = {idp.user(f"user{number}") for number in range(7)}
    clock.advance(1)

    pages = [idp.find(f"/Users?startIndex={start}&count=3") for start in (1, 4, 7)]

    assert [len(page) for page in pages] == [3, 3, 1]
    assert {user for page in pages for user in page} == users
    assert idp.show("/Users?count=0")["totalResults"] == 7
