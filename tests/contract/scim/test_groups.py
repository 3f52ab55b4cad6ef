"""Groups by the ten thousand: what a change costs, and that the short way ends where scim2-models would."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.scim import handler
from unkey_sync.scim.members import Lifted

from tests.contract.scim.idp import IdentityProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim2_server.responses import ScimResponse

MANY = 10_000
BOUND_S = 10
"""Of processor time, which neighbours do not use up. Each takes 0.4 to 1.8 s; scim2-models alone 100 s for one."""


def listed(*users: str) -> list[dict[str, str]]:
    return [{"value": one} for one in users]


def add(*users: str) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": listed(*users)}


def within(bound_s: float, ask: Callable[[], ScimResponse]) -> int:
    began = time.process_time()
    answer = ask()
    assert time.process_time() - began < bound_s, answer.status
    return int(answer.status)


def test_ten_thousand_members_join_change_and_leave_within_seconds(idp: IdentityProvider) -> None:
    users = idp.crowd(MANY)
    group = idp.group("Everybody", users[0])
    path, last = f"Groups/{group}", f"{group}:{users[-1]}"
    half = MANY // 2

    joined = within(BOUND_S, lambda: idp.patch(path, add(*users)))
    role = idp.fact("membership", last).body["role"]
    renamed = within(
        BOUND_S, lambda: idp.patch(path, {"op": "replace", "value": {"id": group, "displayName": "All"}})
    )
    new_role = idp.fact("membership", last).body["role"]
    # By value, as Entra ID does: scim2-models alone needs more than a minute for it.
    leave = {"op": "Remove", "path": "members", "value": listed(*users[half:])}
    left = within(BOUND_S, lambda: idp.patch(path, leave))
    gone = idp.fact("membership", last).deleted
    replaced = within(BOUND_S, lambda: idp.put(path, {"displayName": "All", "members": listed(*users[:100])}))
    kept = idp.members(group)
    deleted = within(BOUND_S, lambda: idp.delete(path))

    assert (joined, renamed, left, replaced, deleted) == (204, 204, 204, 200, 204)
    assert (role, new_role, gone) == ("Everybody", "All", True)
    assert kept == set(users[:100])
    assert idp.fact("membership", f"{group}:{users[0]}").deleted


def test_what_one_member_costs_does_not_depend_on_how_many_there_are(idp: IdentityProvider) -> None:
    """Compared with itself in the same minute, and three times over: neither machine nor neighbour decides."""
    users = idp.crowd(MANY)
    large, small = idp.group("Large"), idp.group("Small", users[0])
    idp.patch(f"Groups/{large}", add(*users[:-10]))

    def fastest(group: str) -> float:
        return min(_join_and_leave(idp, group, user) for user in users[-10:])

    assert any(fastest(large) < 5 * fastest(small) for _ in range(3))


def _join_and_leave(idp: IdentityProvider, group: str, user: str) -> float:
    began = time.process_time()
    idp.patch(f"Groups/{group}", add(user))
    idp.patch(f"Groups/{group}", {"op": "remove", "path": f'members[value eq "{user}"]'})
    return time.process_time() - began


def _patches(ann: str, bob: str, cid: str) -> list[list[dict[str, Any]]]:
    def remove(*users: str) -> dict[str, Any]:
        return {"op": "remove", "path": "members", "value": listed(*users)}

    return [
        [add(bob)],
        [add(ann)],
        [add(bob, cid), remove(ann)],
        [remove(ann), add(ann)],
        [remove(ann, cid)],
        [{"op": "remove", "path": f'members[value eq "{ann}"]'}],
        [{"op": "remove", "path": f'members[value eq "{cid}"]'}],
        [{"op": "remove", "path": "members"}],
        [{"op": "replace", "path": "members", "value": listed(bob, cid)}],
        [{"op": "replace", "path": "members", "value": listed(ann)}],
        [{"op": "replace", "value": {"members": listed(cid), "displayName": "Other"}}],
        [{"op": "add", "value": {"externalId": "7"}}, add(cid)],
        [add("nobody")],
        [add(bob), {"op": "replace", "path": "displayName", "value": ""}],
        [{"op": "replace", "path": "displayName", "value": "Sales"}],
    ]


@pytest.mark.parametrize("number", range(15))
def test_the_short_way_ends_where_the_long_way_does(
    idp: IdentityProvider, other: IdentityProvider, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    short, long = _provision(idp), _provision(other)

    answer = idp.patch(f"Groups/{short[0]}", *_patches(*short[1:])[number])
    with monkeypatch.context() as whole:
        whole.setattr(handler, "lift_members", lambda body: Lifted(body, None))
        expected = other.patch(f"Groups/{long[0]}", *_patches(*long[1:])[number])

    assert answer.status == expected.status
    assert _known(idp, short) == _known(other, long)
    assert _said(idp, short) == _said(other, long)


def _provision(idp: IdentityProvider) -> list[str]:
    """A group of one, and its members to be."""
    users = [idp.user(name) for name in ("ann", "bob", "cid")]
    return [idp.group("Sales", users[0]), *users]


def _known(idp: IdentityProvider, ids: list[str]) -> tuple[object, ...]:
    shown = idp.show(f"Groups/{ids[0]}")
    members = {ids.index(one["value"]) for one in shown.get("members", [])}
    return shown["displayName"], shown.get("externalId"), members


def _said(idp: IdentityProvider, ids: list[str]) -> list[tuple[str, list[int]]]:
    return sorted((kind, [ids.index(one) for one in entity.split(":")]) for kind, entity in idp.said())


def test_a_change_of_nothing_keeps_the_version(idp: IdentityProvider) -> None:
    ann, bob = idp.user("ann"), idp.user("bob")
    group = idp.group("Sales", ann)
    version, said = idp.show(f"Groups/{group}")["meta"]["version"], idp.said()

    again = idp.patch(f"Groups/{group}", add(ann))
    idp.patch(f"Groups/{group}", {"op": "remove", "path": f'members[value eq "{bob}"]'})

    assert again.headers["ETag"] == version == idp.show(f"Groups/{group}")["meta"]["version"]
    assert idp.said() == said


def test_a_display_name_is_kept_and_changed(idp: IdentityProvider) -> None:
    ann = idp.user("ann")
    group = idp.group("Sales")
    named = [{"value": ann, "display": "Ann"}]

    idp.patch(f"Groups/{group}", {"op": "add", "path": "members", "value": named})
    first = idp.show(f"Groups/{group}")["members"][0]["display"]
    idp.patch(
        f"Groups/{group}", {"op": "add", "path": "members", "value": [{**named[0], "display": "Annie"}]}
    )
    version = idp.show(f"Groups/{group}")["meta"]["version"]
    idp.patch(f"Groups/{group}", add(ann))

    shown = idp.show(f"Groups/{group}")
    assert first == "Ann"
    assert shown["members"][0]["display"] == "Annie"
    assert shown["meta"]["version"] == version
    assert [kind for kind, _ in idp.said()].count("membership.updated") == 1


def test_if_match_holds_for_members_too(idp: IdentityProvider) -> None:
    ann = idp.user("ann")
    group = idp.group("Sales")

    refused = idp.patch(f"Groups/{group}", add(ann), if_match='W/"1"')
    gone = idp.delete(f"Groups/{group}", if_match='W/"1"')

    assert (refused.status, gone.status) == (412, 412)
    assert idp.members(group) == set()


def test_members_are_left_out_on_request(idp: IdentityProvider) -> None:
    """Entra ID always asks so."""
    ann = idp.user("ann")
    group = idp.group("Sales", ann)

    shown = [
        idp.show(path)
        for path in (f"Groups/{group}?excludedAttributes=members", f"Groups/{group}?attributes=displayName")
    ]
    asked = idp.patch(f"Groups/{group}?attributes=members", add(ann))
    searched = idp.show("Groups?excludedAttributes=members")["Resources"]
    with_members = idp.show("Groups?attributes=members.value")["Resources"]

    assert [("members" in one, one["displayName"]) for one in [*shown, *searched]] == [(False, "Sales")] * 3
    assert (asked.body or {})["members"][0]["value"] == ann
    assert with_members[0]["members"] == [{"value": ann}]


def test_removing_by_many_values_from_a_user_is_refused(idp: IdentityProvider) -> None:
    ann = idp.user("ann")
    values = [{"value": f"{number}@example.com"} for number in range(101)]

    answer = idp.patch(f"Users/{ann}", {"op": "remove", "path": "emails", "value": values})

    assert answer.status == 400
    assert (answer.body or {})["scimType"] == "invalidValue"
