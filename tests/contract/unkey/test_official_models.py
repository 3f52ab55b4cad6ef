"""The vendor's own request models as oracle: they know every field that we send, and agree on its type.

The official client knows two forms of setRolePermissions; ours is the one by role id.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import orjson
import pytest
from unkey.py import models as official
from unkey_sync.model import RateLimit
from unkey_sync.unkey import Credits, ImportedKey, KeyPatch, NewKey, Recorder, Refill

from tests.unit.unkey.parts import Script, client, success

LIMITS = [RateLimit("requests", 100, 60_000, True)]
FULL = NewKey(
    external_id="user_1",
    enabled=True,
    name="n",
    prefix="acme",
    byte_length=32,
    meta={"sync": {"op": "1"}},
    roles=["pro"],
    permissions=["a.read"],
    ratelimits=LIMITS,
    expires=5,
    credits=Credits(1, Refill("monthly", 2, 9)),
)
PATCH = KeyPatch(
    enabled=True,
    name=None,
    external_id="user_1",
    meta={"a": 1},
    roles=["pro"],
    permissions=["a.read"],
    ratelimits=LIMITS,
    expires=None,
    credits=Credits(1),
)


def recorded() -> list[tuple[str, dict[str, Any]]]:
    recorder = Recorder(Script([success({})]))
    unkey = client(recorder)
    hashed = base64.b64encode(hashlib.sha256(b"secret").digest()).decode()
    unkey.identities.create(external_id="user_1", meta={"plan": "pro"}, ratelimits=LIMITS)
    unkey.identities.update(external_id="user_1", meta={"plan": "pro"}, ratelimits=LIMITS)
    unkey.identities.delete(external_id="user_1")
    unkey.keys.create(FULL)
    unkey.keys.update("key_1", PATCH)
    unkey.keys.update("key_1", KeyPatch(credits=None, meta=None, external_id=None))
    unkey.keys.delete("key_1", permanent=True)
    unkey.keys.set_credits("key_1", 5)
    unkey.keys.change_credits("key_1", operation="increment", by=5)
    unkey.keys.import_all(migration_id="m_1", keys=[ImportedKey(hash=hashed, key=FULL)])
    for change in (unkey.keys.set_roles, unkey.keys.add_roles, unkey.keys.remove_roles):
        change("key_1", ["pro"])
    unkey.keys.set_permissions("key_1", ["a.read"])
    unkey.keys.add_permissions("key_1", ["a.read"])
    unkey.keys.remove_permissions("key_1", ["a.read"])
    unkey.permissions.create(slug="a.read", name="A", description="d")
    unkey.permissions.delete("a.read")
    unkey.roles.create(name="pro", permissions=["a.read"], description="d")
    unkey.roles.delete("pro")
    unkey.roles.set_permissions("role_1", ["a.read"])
    return [(call.operation, call.body) for call in recorder.calls]


@pytest.mark.parametrize(
    ("operation", "body"), recorded(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_official_models_know_every_field_we_send(operation: str, body: dict[str, Any]) -> None:
    namespace, _, name = operation.partition(".")
    form = "2" if name == "setRolePermissions" else ""
    model = getattr(official, f"V2{namespace.capitalize()}{name[0].upper()}{name[1:]}RequestBody{form}")

    understood = model.model_validate_json(orjson.dumps(body), strict=True)

    assert orjson.loads(understood.model_dump_json(by_alias=True, exclude_unset=True)) == body
