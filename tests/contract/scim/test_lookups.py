"""Filters that identity providers send are look-ups: they open what they find, not what the tenant has."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from unkey_sync.ledger.tables import scim_emails, scim_resources
from unkey_sync.scim.vault import Vault
from unkey_sync.seal import Sealer

from tests.contract.scim.idp import IdentityProvider
from tests.contract.scim.victim import desk_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.ledger.store import Ledger

OLD, NEW = b"k" * 32, b"n" * 32


def asked(path: str, condition: str) -> str:
    return f"{path}?filter={quote(condition)}"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The id of every resource that was opened."""
    seen: list[str] = []
    before = Vault.open

    def counting(self: Vault, row: Any, model: Any) -> Any:
        seen.append(row.id)
        return before(self, row, model)

    monkeypatch.setattr(Vault, "open", counting)
    return seen


@pytest.mark.parametrize(
    "condition",
    [
        'userName eq "USER7"',
        'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "user7"',
        'emails eq "user7@example.com"',
        'emails.value eq "User7@Example.com"',
        'emails[value eq "user7@example.com"]',
        'emails[type pr or value pr] and emails.value eq "user7@example.com"',
        'meta.resourceType eq "User" and userName eq "user7"',
        f'id eq "{7:032x}"',
        f'id eq "{7:032x}" and active pr or userName eq "user7"',
        'userName eq "user7" or emails eq "user7@example.com"',
    ],
)
def test_a_look_up_opens_only_what_it_finds(idp: IdentityProvider, opened: list[str], condition: str) -> None:
    users = idp.crowd(20)

    found = idp.find(asked("/Users", condition))

    assert found == [users[7]]
    assert set(opened) == {users[7]}


@pytest.mark.parametrize(
    "condition",
    [
        'emails[type eq "work"].value eq "zoe@example.com"',
        'emails[type eq "work" and value eq "ZOE@example.com"]',
        'userName eq "zoe" and emails.value eq "home@example.com"',
        'externalId eq "Z1" and userName eq "zoe"',
        'externalId eq "Z1"',
    ],
)
def test_an_address_is_found_by_type_and_value(
    idp: IdentityProvider, opened: list[str], condition: str
) -> None:
    idp.crowd(20)
    addresses = [{"type": "work", "value": "zoe@example.com"}, {"type": "home", "value": "home@example.com"}]
    zoe = idp.user("zoe", emails=addresses, externalId="Z1")
    opened.clear()

    assert idp.find(asked("/Users", condition)) == [zoe]
    assert set(opened) == {zoe}


def test_the_right_address_of_the_wrong_type_is_not_found(idp: IdentityProvider) -> None:
    idp.user("zoe", emails=[{"type": "home", "value": "zoe@example.com"}])

    assert idp.find(asked("/Users", 'emails[type eq "work"].value eq "zoe@example.com"')) == []


def test_an_address_that_was_replaced_or_deleted_is_no_longer_found(
    idp: IdentityProvider, ledger: Ledger
) -> None:
    zoe = idp.user("zoe", emails=[{"value": "old@example.com"}])
    gone = idp.user("gone", emails=[{"value": "gone@example.com"}])

    idp.patch(f"Users/{zoe}", {"op": "replace", "path": "emails", "value": [{"value": "new@example.com"}]})
    idp.delete(f"Users/{gone}")

    with ledger.engine.connect() as connection:
        kept = connection.scalars(sa.select(scim_emails.c.resource_id)).all()
    assert idp.find(asked("/Users", 'emails eq "old@example.com"')) == []
    assert idp.find(asked("/Users", 'emails eq "new@example.com"')) == [zoe]
    assert kept == [zoe]


def test_an_address_is_looked_up_in_its_own_tenant_only(
    idp: IdentityProvider, other: IdentityProvider
) -> None:
    idp.user("zoe", emails=[{"value": "zoe@example.com"}])

    assert other.find(asked("/Users", 'emails eq "zoe@example.com"')) == []


def written_by_older_code(ledger: Ledger) -> None:
    """As rows are after the migration, and as a process of the version before leaves them."""
    with ledger.engine.begin() as connection:
        connection.execute(sa.delete(scim_emails))
        connection.execute(sa.update(scim_resources).values(indexed_version=0))


def test_users_stored_by_older_code_are_found_and_then_indexed(
    idp: IdentityProvider, ledger: Ledger, opened: list[str]
) -> None:
    users = idp.crowd(50)
    written_by_older_code(ledger)
    condition = asked("/Users", 'emails eq "user7@example.com"')

    first = idp.find(condition)
    opened.clear()
    second = idp.find(condition)

    assert first == second == [users[7]]
    assert opened == [users[7]]


def test_more_old_users_than_one_look_up_indexes_are_found_all_the_same(
    idp: IdentityProvider, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = idp.crowd(7)
    written_by_older_code(ledger)
    monkeypatch.setattr("unkey_sync.scim.search._REFRESH", 3)

    found = [idp.find(asked("/Users", f'emails eq "user{one}@example.com"')) for one in (6, 6, 6, 0)]

    assert found == [[users[6]], [users[6]], [users[6]], [users[0]]]


def test_secret_keys_rotate_and_everything_is_found_as_before(idp: IdentityProvider, ledger: Ledger) -> None:
    address = [{"type": "work", "value": "zoe@example.com"}]
    zoe = idp.user("zoe", externalId="Z1", emails=address)
    group = idp.post("/Groups", {"displayName": "Sales", "members": [{"value": zoe, "display": "Zoe"}]})

    rotated = IdentityProvider(desk_on(ledger, Sealer([NEW, OLD])), ledger, "okta")

    for condition in ('emails eq "zoe@example.com"', 'userName eq "zoe"', 'externalId eq "Z1"'):
        assert rotated.find(asked("/Users", condition)) == [zoe]
    assert rotated.show(f"Groups/{(group.body or {})['id']}")["members"][0]["display"] == "Zoe"
    assert rotated.post("/Users", {"userName": "ZOE"}).status == 409


def test_a_key_that_is_missing_is_our_failure_and_not_the_clients(
    idp: IdentityProvider, ledger: Ledger
) -> None:
    zoe = idp.user("zoe")

    keyless = IdentityProvider(desk_on(ledger, Sealer([NEW])), ledger, "okta")

    assert keyless.get(f"Users/{zoe}").status == 503
    assert keyless.post("/Users", {"userName": "bob"}).status == 503


def test_groups_are_found_by_name_and_member(idp: IdentityProvider, opened: list[str]) -> None:
    ann = idp.user("ann")
    groups = [idp.group(f"group{number}", *([ann] if number == 3 else [])) for number in range(6)]
    opened.clear()

    found = [
        idp.find(asked("/Groups", condition))
        for condition in (
            'displayName eq "GROUP3"',
            f'members eq "{ann}"',
            f'members[value eq "{ann}"]',
            f'id eq "{groups[3]}" and members.value eq "{ann}"',
        )
    ]

    assert found == [[groups[3]]] * 4
    assert set(opened) == {groups[3]}


@pytest.mark.parametrize(
    ("condition", "total"),
    [('userName sw "user1"', 111), ('not (userName eq "user7")', 599), ("emails pr", 600)],
)
def test_any_other_filter_is_right_and_pages(idp: IdentityProvider, condition: str, total: int) -> None:
    idp.crowd(600)
    path = asked("/Users", condition)

    first, second = (idp.show(f"{path}&startIndex={start}&count=60") for start in (1, 61))

    assert first["totalResults"] == second["totalResults"] == total
    assert (first["startIndex"], second["startIndex"]) == (1, 61)
    assert len({one["id"] for one in first["Resources"] + second["Resources"]}) == min(120, total)


def test_a_scan_holds_a_page_and_not_the_tenant(
    idp: IdentityProvider, ledger: Ledger, reopen: Callable[[str], IdentityProvider]
) -> None:
    """What it takes does not grow with the number of users."""
    idp.crowd(700)
    small = _peak(idp, 'userName co "no such user"')
    idp.crowd(2_100)

    large = _peak(idp, 'userName co "no such user"')

    assert idp.show("/Users")["totalResults"] == 2_100
    assert large < small * 1.5


def _peak(idp: IdentityProvider, condition: str) -> int:
    """The least of three: when the collector runs, and what is cached for ever, is not the scan's doing."""
    peaks = []
    for _ in range(3):
        gc.collect()
        tracemalloc.start()
        try:
            assert idp.find(asked("/Users", condition)) == []
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return min(peaks)
