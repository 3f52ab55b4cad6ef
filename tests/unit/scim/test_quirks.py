"""What identity providers send is put into the form of the RFC; what has it already stays as it is."""

from __future__ import annotations

from typing import Any

import pytest
from unkey_sync.scim.quirks import mend_patch, mend_resource

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
BOSS = {"$ref": "Users/b", "value": "b"}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({ENTERPRISE: {"manager": "b"}}, {ENTERPRISE: {"manager": BOSS}}),
        ({ENTERPRISE: {"Manager": [{"value": "b"}]}}, {ENTERPRISE: {"Manager": BOSS}}),
        ({f"{ENTERPRISE}:manager": "b"}, {f"{ENTERPRISE}:manager": BOSS}),
        ({ENTERPRISE: {"manager": ""}}, {ENTERPRISE: {"manager": None}}),
        ({ENTERPRISE: {"manager": {"value": None}}}, {ENTERPRISE: {"manager": None}}),
        ({"emails": [{"value": ""}, {"value": "a"}]}, {"emails": [{"value": "a"}]}),
        ({"title": [{"value": "x"}]}, {"title": "x"}),
    ],
)
def test_a_resource_is_mended(said: dict[str, Any], meant: dict[str, Any]):
    assert mend_resource(said) == meant


@pytest.mark.parametrize(
    "said",
    [
        {ENTERPRISE: {"manager": {"$ref": "x", "value": "b"}, "department": "d"}},
        {ENTERPRISE: {"manager": {"displayName": "B"}}},
        {ENTERPRISE: None},
        {"emails": [{"value": "a", "type": "work"}], "roles": ["x"], "members": [{"value": "m"}]},
        {"title": [{"value": "x", "type": "y"}], "nickName": ["a", "b"], "active": True},
        [],
        None,
        "x",
    ],
)
def test_what_is_right_or_beyond_mending_stays(said: object):
    assert mend_resource(said) == said
    assert mend_patch(said) == said


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        ({"op": "add", "path": f"{ENTERPRISE}:manager", "value": "b"}, BOSS),
        ({"op": "replace", "path": "active", "value": [{"$ref": None, "value": "False"}]}, "False"),
        ({"op": "replace", "value": {f"{ENTERPRISE}:manager": "b"}}, {f"{ENTERPRISE}:manager": BOSS}),
        ({"op": "add", "path": 'emails[type eq "a:b"]', "value": [{"value": "x"}]}, [{"value": "x"}]),
        ({"op": "replace", "path": 7, "value": {"active": True}}, {"active": True}),
    ],
)
def test_an_operation_is_mended(operation: dict[str, Any], value: object):
    assert mend_patch({"Operations": [operation]}) == {"Operations": [{**operation, "value": value}]}


@pytest.mark.parametrize("operations", [[{"op": "remove", "path": "title"}], [7], {}, None])
def test_what_has_no_value_stays(operations: object):
    assert mend_patch({"Operations": operations}) == {"Operations": operations}
