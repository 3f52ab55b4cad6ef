"""What a PATCH says about members is lifted out of it; what is not understood is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from scim2_models import InvalidValueException
from unkey_sync.scim.members import (
    NOTHING,
    REMOVALS,
    Lifted,
    MemberChange,
    lift_members,
    refuse_long_removals,
)

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
A, B = {"value": "a"}, {"value": "b", "display": "Bea", "$ref": "x"}
RENAME = {"op": "replace", "path": "displayName", "value": "Sales"}


def lift(*operations: Any) -> Lifted:
    return lift_members({"schemas": ["s"], "Operations": list(operations)})


def changed(*operations: Any) -> MemberChange | None:
    return lift(*operations).change


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ({"op": "add", "path": "members", "value": [A, B]}, MemberChange({"a": None, "b": "Bea"})),
        ({"op": "Add", "path": "Members", "value": A}, MemberChange({"a": None})),
        ({"OP": "ADD", "Path": f"{GROUP}:members", "Value": [{"Value": "a"}]}, MemberChange({"a": None})),
        ({"op": "add", "value": {"members": [A]}}, MemberChange({"a": None})),
        ({"op": "add", "path": "", "value": {f"{GROUP}:Members": [A]}}, MemberChange({"a": None})),
        ({"op": "remove", "path": 'members[value eq "a"]'}, MemberChange(left=frozenset("a"))),
        ({"op": "Remove", "path": 'Members[ VALUE EQ "a" ]'}, MemberChange(left=frozenset("a"))),
        ({"op": "remove", "path": "members", "value": [A, B]}, MemberChange(left=frozenset("ab"))),
        ({"op": "remove", "path": "members", "value": []}, MemberChange()),
        ({"op": "remove", "path": "members"}, MemberChange(whole=True)),
        ({"op": "replace", "path": "members", "value": [A]}, MemberChange({"a": None}, whole=True)),
        ({"op": "replace", "path": "members", "value": []}, MemberChange(whole=True)),
        ({"op": "replace", "path": "members", "value": None}, MemberChange(whole=True)),
        ({"op": "replace", "value": {"members": []}}, MemberChange(whole=True)),
    ],
)
def test_what_is_about_members_is_taken_out(operation: dict[str, Any], change: MemberChange):
    assert lift(operation) == Lifted({"schemas": ["s"], "Operations": [NOTHING]}, change)


def test_the_rest_stays_in_its_order():
    both = {"op": "replace", "value": {"displayName": "Sales", "members": [A], "externalId": "7"}}

    lifted = lift(RENAME, {"op": "add", "path": "members", "value": [B]}, both)

    assert lifted.change == MemberChange({"a": None}, whole=True)
    assert lifted.body["Operations"] == [
        RENAME,
        {"op": "replace", "value": {"displayName": "Sales", "externalId": "7"}},
    ]


def test_later_operations_win():
    join = {"op": "add", "path": "members", "value": [A]}
    leave = {"op": "remove", "path": "members", "value": [A]}
    only_b = {"op": "replace", "path": "members", "value": [{"value": "b"}]}

    assert changed(join, leave) == MemberChange(left=frozenset("a"))
    assert changed(leave, join) == MemberChange({"a": None})
    assert changed(join, only_b) == MemberChange({"b": None}, whole=True)
    assert changed(only_b, join) == MemberChange({"b": None, "a": None}, whole=True)
    assert changed(only_b, {**leave, "value": [{"value": "b"}]}) == MemberChange(
        left=frozenset("b"), whole=True
    )


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "members"},
        {"op": "add", "path": "members", "value": None},
        {"op": "replace", "path": "members"},
        {"op": "merge", "path": "members", "value": [A]},
        {"op": "add", "path": "members", "value": ["a"]},
        {"op": "add", "path": "members", "value": [{"display": "Ann"}]},
        {"op": "add", "path": "members", "value": [{"value": 7}]},
        {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]},
        {"op": "remove", "value": {"members": [A]}},
        {"op": "remove", "path": 'members[display eq "Ann"]'},
        {"op": "remove", "path": 'members[value eq "a" or value eq "b"]'},
        {"op": "replace", "path": 'members[value eq "a"].display', "value": "Ann"},
        {"op": "add", "value": {"members": [A], "Members": [A]}},
        {"op": "add", "value": {GROUP: {"members": [A]}}},
        {"op": "add", "path": 7, "value": {"members": [A]}},
    ],
)
def test_what_is_unclear_is_left_as_a_whole(operation: dict[str, Any]):
    body = {"Operations": [RENAME, operation]}

    assert lift_members(body) == Lifted(body, None)


@pytest.mark.parametrize("body", [None, [], "x", {}, {"Operations": {}}, {"Operations": None}])
def test_what_is_no_patch_is_left_alone(body: object):
    assert lift_members(body) == Lifted(body, None)


def test_an_operation_that_is_none_is_left_to_be_refused():
    assert lift(7, RENAME) == Lifted({"schemas": ["s"], "Operations": [7, RENAME]}, MemberChange())
    assert lift().body["Operations"] == []


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Remove", "path": "emails", "value": [{"value": "x"}] * (REMOVALS + 1)},
        {"op": "replace", "path": "emails[" + 'value eq "x" or ' * 1000 + "value pr].type", "value": "x"},
    ],
)
def test_a_selection_that_would_take_minutes_is_refused(operation: dict[str, Any]):
    with pytest.raises(InvalidValueException):
        refuse_long_removals({"Operations": [operation]})


def test_a_selection_of_common_length_is_not():
    refuse_long_removals({"Operations": [{"op": "remove", "path": "emails", "value": [A] * REMOVALS}, 7]})
    refuse_long_removals({"Operations": 7})
    refuse_long_removals(None)
