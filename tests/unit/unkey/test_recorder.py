"""Dry run: nothing that changes Unkey gets out, whatever the code above does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from unkey_sync.unkey import (
    ImportedKey,
    KeyPatch,
    NewKey,
    Recorded,
    Recorder,
    SecretText,
    UnkeyClient,
)
from unkey_sync.unkey.endpoints import ENDPOINTS, Effect

from tests.unit.unkey.parts import Script, client, success

if TYPE_CHECKING:
    from collections.abc import Callable

IMPORTED = ImportedKey(hash="abc=", key=NewKey(external_id="user_1"))

CHANGES: dict[str, Callable[[UnkeyClient], object]] = {
    "identities.createIdentity": lambda u: u.identities.create(external_id="u", meta={}, ratelimits=()),
    "identities.updateIdentity": lambda u: u.identities.update(external_id="u", meta={"plan": "pro"}),
    "identities.deleteIdentity": lambda u: u.identities.delete(external_id="u"),
    "keys.createKey": lambda u: u.keys.create(NewKey(external_id="u")),
    "keys.updateKey": lambda u: u.keys.update("key_1", KeyPatch(enabled=False)),
    "keys.deleteKey": lambda u: u.keys.delete("key_1"),
    "keys.updateCredits": lambda u: u.keys.set_credits("key_1", 5),
    "keys.migrateKeys": lambda u: u.keys.import_all(migration_id="m_1", keys=[IMPORTED]),
    "keys.verifyKey": lambda u: u.keys.verify(SecretText("canary")),
    "keys.setRoles": lambda u: u.keys.set_roles("key_1", ["pro"]),
    "keys.addRoles": lambda u: u.keys.add_roles("key_1", ["pro"]),
    "keys.removeRoles": lambda u: u.keys.remove_roles("key_1", ["pro"]),
    "keys.setPermissions": lambda u: u.keys.set_permissions("key_1", ["a"]),
    "keys.addPermissions": lambda u: u.keys.add_permissions("key_1", ["a"]),
    "keys.removePermissions": lambda u: u.keys.remove_permissions("key_1", ["a"]),
    "permissions.createPermission": lambda u: u.permissions.create(slug="a", name="a"),
    "permissions.deletePermission": lambda u: u.permissions.delete("a"),
    "permissions.createRole": lambda u: u.roles.create(name="pro"),
    "permissions.deleteRole": lambda u: u.roles.delete("pro"),
    "permissions.setRolePermissions": lambda u: u.roles.set_permissions("role_1", ["a"]),
}


def test_the_changes_tried_here_are_all_there_are() -> None:
    changing = {name for name, endpoint in ENDPOINTS.items() if endpoint.effect is not Effect.READ}

    assert set(CHANGES) == changing


@pytest.mark.parametrize("operation", CHANGES)
def test_a_change_is_written_down_instead_of_sent_and_planning_goes_on(operation: str) -> None:
    inner = Script([success({})])
    recorder = Recorder(inner)

    CHANGES[operation](client(recorder))

    assert inner.requests == []
    assert [call.operation for call in recorder.calls] == [operation]


def test_the_record_holds_the_body_without_key_plaintexts() -> None:
    recorder = Recorder(Script([success({})]))
    unkey = client(recorder)

    unkey.identities.update(external_id="org_1", meta={"plan": "pro"})
    unkey.keys.verify(SecretText("canary"))

    assert recorder.calls[0].body == {"identity": "org_1", "meta": {"plan": "pro"}}
    assert "canary" not in str([(call, call.body) for call in recorder.calls])


def test_reads_pass() -> None:
    inner = Script([success({"id": "id_1", "externalId": "org_1"})])

    identity = client(Recorder(inner)).identities.get(external_id="org_1")

    assert identity.id == "id_1"
    assert len(inner.requests) == 1


def test_what_the_recorder_does_not_know_is_stopped() -> None:
    inner = Script([success({})])

    with pytest.raises(Recorded):
        Recorder(inner).handle_request(httpx.Request("POST", "https://unkey.test/v2/apis.deleteApi", json={}))

    assert inner.requests == []
