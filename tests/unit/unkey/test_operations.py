"""What each operation sends, and how its answer is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
from unkey_sync.errors import Park, Retry, Stop, Unknown
from unkey_sync.model import RateLimit
from unkey_sync.unkey import ImportedKey, NewKey, Priority, SecretText, UnkeyClient
from unkey_sync.unkey.endpoints import ENDPOINTS

from tests.unit.unkey.parts import Script, SpyGate, client, success
from tests.unit.unkey.test_recorder import CHANGES

if TYPE_CHECKING:
    from collections.abc import Callable

READS: dict[str, Callable[[UnkeyClient], object]] = {
    "apis.getApi": lambda u: u.apis.get(),
    "apis.listKeys": lambda u: list(u.apis.list_keys(external_id="user_1")),
    "identities.getIdentity": lambda u: u.identities.get(external_id="user_1"),
    "identities.listIdentities": lambda u: list(u.identities.every()),
    "keys.getKey": lambda u: u.keys.get("key_1"),
    "keys.whoami": lambda u: u.keys.whoami(SecretText("k")),
    "permissions.getPermission": lambda u: u.permissions.get("a"),
    "permissions.getRole": lambda u: u.roles.get("pro"),
    "permissions.listPermissions": lambda u: list(u.permissions.every()),
    "permissions.listRoles": lambda u: list(u.roles.every()),
}


def sent(script: Script, index: int = -1) -> Any:
    return orjson.loads(script.requests[index].content)


def test_every_operation_is_reachable() -> None:
    assert {*READS, *CHANGES} == set(ENDPOINTS)


@pytest.mark.parametrize("operation", ENDPOINTS)
def test_an_operation_is_a_post_of_json_to_its_own_path(operation: str) -> None:
    # Refused for good: what is sent is looked at here, not what comes back.
    script = Script([httpx.Response(401)])

    with pytest.raises(Stop):
        {**READS, **CHANGES}[operation](client(script, base_url="https://unkey.test/"))

    (request,) = script.requests
    assert (request.method, str(request.url)) == ("POST", f"https://unkey.test/v2/{operation}")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["authorization"] == "Bearer unkey_canary_root_key"


IDENTITY = {
    "id": "id_1",
    "externalId": "org_1",
    "meta": {"plan": "pro"},
    "ratelimits": [
        {"id": "rl_2", "name": "bbb", "limit": 2, "duration": 2000, "autoApply": False},
        {"id": "rl_1", "name": "aaa", "limit": 1, "duration": 1000, "autoApply": True},
    ],
    "someday": "more",
}


def test_an_identity_is_read_with_its_limits_in_one_order() -> None:
    identity = client(Script([success(IDENTITY)])).identities.get(external_id="org_1")

    assert identity.meta == {"plan": "pro"}
    assert identity.limits() == (RateLimit("aaa", 1, 1000, True), RateLimit("bbb", 2, 2000, False))


@pytest.mark.parametrize("more", [{}, {"meta": None, "ratelimits": None}])
def test_absent_and_null_mean_empty(more: dict[str, None]) -> None:
    unkey = client(Script([success({"id": "id_1", "externalId": "org_1", **more})]))

    identity = unkey.identities.get(external_id="org_1")

    assert identity.meta == {}
    assert identity.limits() == ()


@pytest.mark.parametrize(
    "data", [None, [], "x", {"id": 1, "externalId": "e"}, {"id": "i", "externalId": "e", "meta": []}]
)
def test_wrong_types_in_a_read_are_a_retry(data: object) -> None:
    with pytest.raises(Retry) as caught:
        client(Script([success(data)])).identities.get(external_id="org_1")

    assert not isinstance(caught.value, Unknown)
    assert caught.value.request_id == "req_abc123XYZ"


def test_an_identity_deletion_is_done_although_its_answer_has_no_data() -> None:
    script = Script([success()])

    client(script).identities.delete(external_id="org_1")

    assert sent(script) == {"identity": "org_1"}


def test_an_identity_update_sends_only_what_is_to_change() -> None:
    script = Script([success({"id": "id_1", "externalId": "org_1"})])

    client(script).identities.update(external_id="org_1", ratelimits=())

    assert sent(script) == {"identity": "org_1", "ratelimits": []}


def key(number: int) -> dict[str, object]:
    return {"keyId": f"key_{number}", "enabled": number % 2 == 0}


def page(numbers: range, cursor: str | None) -> httpx.Response:
    more = {"hasMore": cursor is not None} | ({"cursor": cursor} if cursor else {})
    return success([key(number) for number in numbers], pagination=more)


def test_a_listing_goes_through_all_pages() -> None:
    script = Script([page(range(2), "key_2"), page(range(2, 4), "key_4"), page(range(4, 5), None)])

    keys = list(client(script, page_size=2).apis.list_keys(external_id="user_1"))

    assert [found.key_id for found in keys] == [f"key_{number}" for number in range(5)]
    assert [found.enabled for found in keys] == [True, False, True, False, True]
    assert sent(script, 0) == {"apiId": "api_12345678", "limit": 2, "externalId": "user_1"}
    assert sent(script, 2)["cursor"] == "key_4"


@pytest.mark.parametrize(
    "second",
    [
        success([key(2)], pagination={"hasMore": True}),
        page(range(2, 3), "key_2"),
        success([key(2)]),
        success({"keyId": "key_2"}, pagination={"hasMore": False}),
        success(None, pagination={}),
    ],
    ids=["no cursor", "same cursor", "no pagination", "no list", "empty pagination"],
)
def test_a_listing_that_cannot_be_finished_fails_instead_of_ending_early(second: httpx.Response) -> None:
    with pytest.raises(Retry):
        list(client(Script([page(range(2), "key_2"), second])).apis.list_keys())


def test_a_listing_of_nobody_is_empty() -> None:
    assert list(client(Script([page(range(0), None)])).apis.list_keys(external_id="user_1")) == []


def test_a_fully_successful_import_with_its_odd_null_is_understood() -> None:
    unkey = client(Script([success({"migrated": [{"hash": "h", "keyId": "key_1"}], "failed": None})]))

    answer = CHANGES["keys.migrateKeys"](unkey)

    assert answer.migrated[0].key_id == "key_1"  # type: ignore[attr-defined]
    assert answer.failed == ()  # type: ignore[attr-defined]


def test_roles_come_back_with_their_permissions() -> None:
    role = {"id": "role_1", "name": "pro", "permissions": [{"id": "perm_1", "slug": "a.read", "name": "A"}]}

    (found,) = client(Script([success([role])])).keys.set_roles("key_1", ["pro", "PRO"])

    assert found.slugs() == {"a.read"}


def test_an_empty_list_clears_when_set_and_is_refused_when_added() -> None:
    script = Script([success([])])

    assert client(script).keys.set_roles("key_1", []) == []
    with pytest.raises(Park):
        client(script).keys.add_roles("key_1", [])


def test_credits_are_always_sent_with_a_value() -> None:
    script = Script([success({"remaining": 0})])

    client(script).keys.set_credits("key_1", 0)

    assert sent(script) == {"keyId": "key_1", "operation": "set", "value": 0}


@pytest.mark.parametrize("keys", [0, 1001])
def test_an_import_of_impossible_size_is_refused(keys: int) -> None:
    unkey = client(Script([success({})]))
    imported = [imported_key(number) for number in range(keys)]

    with pytest.raises(Park):
        unkey.keys.import_all(migration_id="m_1", keys=imported)


def imported_key(number: int) -> ImportedKey:
    return ImportedKey(hash=f"hash{number}", key=NewKey(external_id="user_1"))


def test_calls_of_a_view_carry_its_priority() -> None:
    gate = SpyGate()
    unkey = client(Script([success(IDENTITY)]), gate=gate)

    unkey.at(Priority.BACKFILL).identities.get(external_id="org_1")
    unkey.identities.get(external_id="org_1")

    assert gate.told == [Priority.BACKFILL, "succeeded", Priority.LIVE, "succeeded"]


def test_a_name_that_is_no_unicode_parks_the_subject() -> None:
    with pytest.raises(Park, match="not JSON"):
        client(Script([success([])])).keys.set_roles("key_1", ["\ud800"])


def test_the_example_of_the_docs_page_works() -> None:
    page = Path(__file__).parents[3] / "docs" / "unkey-client.md"
    example = page.read_text().partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}

    exec(example, names)  # noqa: S102 -- our own page

    assert len(names["recorder"].calls) == 2
