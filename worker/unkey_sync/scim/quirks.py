"""Values as Entra ID and OneLogin send them, in the form that the RFC wants. Pure.

Entra ID sends a manager as a bare id, and single values as a list of one; OneLogin sends empty addresses. What is not
mended here goes on as it came.
"""

from __future__ import annotations

from typing import Any

from scim2_models import EnterpriseUser

from unkey_sync.scim.members import key_of

_ENTERPRISE = f"{EnterpriseUser.__schema__}".lower()
_MANAGER = f"{_ENTERPRISE}:manager"
_MANY = frozenset(
    (
        "emails",
        "phonenumbers",
        "ims",
        "photos",
        "addresses",
        "groups",
        "entitlements",
        "roles",
        "x509certificates",
        "members",
        "schemas",
    )
)


def mend_resource(body: Any) -> Any:
    """The body of a POST or PUT, and the value of an operation without a path."""
    if not isinstance(body, dict):
        return body
    return {name: _mend(name.lower(), value) for name, value in body.items()}


def mend_patch(body: Any) -> Any:
    name = key_of(body, "operations")
    if not name or not isinstance(body[name], list):
        return body
    return {**body, name: [_mend_operation(one) for one in body[name]]}


def _mend_operation(operation: Any) -> Any:
    held, place = key_of(operation, "value"), key_of(operation, "path")
    if not held:
        return operation
    path, value = operation[place] if place else None, operation[held]
    mended = _mend(path.strip().lower(), value) if isinstance(path, str) and path else mend_resource(value)
    return {**operation, held: mended}


def _mend(name: str, value: Any) -> Any:
    if name == _ENTERPRISE and isinstance(value, dict):
        return {key: _mend(f"{name}:{key.lower()}", one) for key, one in value.items()}
    if isinstance(value, list):
        value = _mend_list(name, value)
    return _mend_manager(value) if name == _MANAGER else value


def _mend_manager(value: Any) -> Any:
    """As an object; without an id there is none."""
    if isinstance(value, str):
        value = {"value": value}
    named = key_of(value, "value")
    if not named:
        return value
    # The schema requires the reference; nobody but the conformance suite sends it.
    return {"$ref": f"Users/{value[named]}", **value} if value[named] else None


def _mend_list(name: str, value: list[Any]) -> Any:
    attribute = name.rpartition(":")[2] if "[" not in name else name
    if attribute.partition("[")[0].partition(".")[0] in _MANY:
        return [one for one in value if not (isinstance(one, dict) and one.get("value") == "")]
    if len(value) == 1 and isinstance(value[0], dict) and value[0].keys() <= {"value", "$ref"}:
        return value[0].get("value")  # a manager becomes an object again
    return value
