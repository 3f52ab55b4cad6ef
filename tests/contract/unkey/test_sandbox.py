"""The client against the sandbox, over HTTP: every operation once, in the order a customer's life has."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.clock import SystemClock
from unkey_sync.errors import Adopt, Park, Relink, Stop
from unkey_sync.model import RateLimit
from unkey_sync.unkey import (
    Credits,
    KeyPatch,
    LaneTransport,
    LocalGate,
    NewKey,
    Refill,
    SecretText,
    UnkeyClient,
    UnkeyConfig,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT = RateLimit("requests", 100, 60_000, True)


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, dict[str, str]]]:
    command = [sys.executable, "-m", "unkey_sync.sandbox", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.terminate()
    process.communicate(timeout=10)


@pytest.fixture
def connect(ready: dict[str, dict[str, str]]) -> Iterator[Callable[..., UnkeyClient]]:
    """Makes a client of the sandbox; arguments change its configuration."""
    clients: list[UnkeyClient] = []

    def make(**changes: Any) -> UnkeyClient:
        wanted: dict[str, Any] = {
            "root_key": SecretText(next(iter(ready["root_keys"].values()))),
            "api_id": next(iter(ready["apis"].values())),
            "base_url": ready["url"],
            **changes,
        }
        config, clock = UnkeyConfig(**wanted), SystemClock()
        clients.append(UnkeyClient(config, LaneTransport(clock), LocalGate(clock), clock))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_an_identity_is_made_adopted_changed_and_deleted(connect: Callable[..., UnkeyClient]) -> None:
    identities = connect().identities

    made = identities.create(external_id="org_a", meta={"plan": "free"}, ratelimits=[LIMIT])
    with pytest.raises(Adopt):
        identities.create(external_id="org_a", meta={}, ratelimits=[])
    identities.update(external_id="org_a", meta={"plan": "pro"}, ratelimits=[])
    found = identities.get(external_id="org_a")
    identities.delete(external_id="org_a")

    assert (found.id, found.meta, found.limits()) == (made.identity_id, {"plan": "pro"}, ())
    with pytest.raises(Relink):
        identities.get(external_id="org_a")


def test_a_key_lives_from_disabled_to_deleted(connect: Callable[..., UnkeyClient]) -> None:
    unkey = connect()
    unkey.roles.create(name="pro", permissions=["export.read"])

    made = unkey.keys.create(
        NewKey(
            external_id="org_b",
            meta={"sync": {"op": "1"}},
            ratelimits=[LIMIT],
            credits=Credits(10, Refill("monthly", 10, 1)),
        )
    )
    before = unkey.keys.verify(made.key)
    unkey.keys.update(made.key_id, KeyPatch(enabled=True, credits=Credits(5)))
    roles = unkey.keys.set_roles(made.key_id, ["pro", "PRO"])
    after = unkey.keys.verify(made.key)
    found = unkey.keys.get(made.key_id)
    same = unkey.keys.whoami(made.key)
    (listed,) = unkey.apis.list_keys(external_id="org_b")
    unkey.keys.delete(made.key_id, permanent=True)

    assert (before.code, after.code) == ("DISABLED", "VALID")
    assert [role.slugs() for role in roles] == [{"export.read"}]
    assert found.credits is not None
    assert (found.credits.remaining, found.credits.refill) == (5, None)
    assert found.meta == {"sync": {"op": "1"}}
    assert {found.key_id, same.key_id, listed.key_id} == {made.key_id}
    with pytest.raises(Relink):
        unkey.keys.get(made.key_id)


def test_a_listing_of_many_pages_is_complete(connect: Callable[..., UnkeyClient]) -> None:
    unkey = connect(page_size=3)
    made = {unkey.keys.create(NewKey(external_id="org_c")).key_id for _ in range(10)}

    listed = [key.key_id for key in unkey.apis.list_keys(external_id="org_c")]

    assert len(listed) == 10
    assert set(listed) == made


def test_roles_and_permissions_are_made_adopted_and_replaced(connect: Callable[..., UnkeyClient]) -> None:
    unkey = connect()
    unkey.permissions.create(slug="a.read", name="Read A")
    role_id = unkey.roles.create(name="auditor").role_id

    with pytest.raises(Adopt):
        unkey.permissions.create(slug="A.READ", name="again")
    with pytest.raises(Adopt):
        unkey.roles.create(name="Auditor")
    unkey.roles.set_permissions(role_id, ["a.read", "a.write"])

    assert unkey.roles.get("auditor").slugs() == {"a.read", "a.write"}
    assert "auditor" in {role.name for role in unkey.roles.every()}
    assert {"a.read", "a.write"} <= {permission.slug for permission in unkey.permissions.every()}
    unkey.roles.delete("auditor")
    with pytest.raises(Relink):
        unkey.roles.get("auditor")


def test_a_wrong_root_key_or_api_stops(connect: Callable[..., UnkeyClient]) -> None:
    with pytest.raises(Stop):
        connect(root_key=SecretText("unkey_wrong")).identities.get(external_id="org_a")
    with pytest.raises(Stop):
        connect(api_id="api_doesnotexist").apis.get()
    with pytest.raises(Stop):
        connect(api_id="api_doesnotexist").keys.create(NewKey(external_id="org_a"))


def test_a_relative_change_on_an_unlimited_key_is_refused_for_this_subject_only(
    connect: Callable[..., UnkeyClient],
) -> None:
    unkey = connect()
    key_id = unkey.keys.create(NewKey(external_id="org_d")).key_id

    with pytest.raises(Park):
        unkey.keys.change_credits(key_id, operation="increment", by=1)
    assert unkey.keys.set_credits(key_id, 3).remaining == 3
    assert unkey.keys.change_credits(key_id, operation="increment", by=2).remaining == 5
