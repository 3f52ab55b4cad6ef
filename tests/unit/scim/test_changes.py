"""What a changed group says, and that a stored statement says the same again."""

from __future__ import annotations

import pytest
from unkey_sync.scim.changes import GroupState, compute_end_of_group, compute_group_events
from unkey_sync_connectors.base import ConfigProblem, Delivery, Malformed, Rejected, SourceConfig, Unusable
from unkey_sync_connectors.event import Event, EventOp, Kind
from unkey_sync_connectors.scim import Scim
from unkey_sync_connectors.scim.statements import dump_statement, say_gone, say_left, say_member, say_user

CONNECTOR = Scim(SourceConfig(name="okta", kind="scim", secrets=("token",)))


def state(role: str, *users: str) -> GroupState:
    return GroupState(role, frozenset(users))


def shown(said: list[Event]) -> list[tuple[str, str]]:
    return [(one.op.value, one.entity.id) for one in said if one.entity]


def test_a_new_group_is_told_with_its_members():
    said = compute_group_events("okta", "g", 5, None, state("Sales", "b", "a"))

    assert shown(said) == [("upsert", "g"), ("upsert", "g:a"), ("upsert", "g:b")]
    assert {one.version for one in said} == {5}


def test_only_who_joined_or_left_is_told():
    said = compute_group_events("okta", "g", 5, state("Sales", "a", "b"), state("Sales", "b", "c"))

    assert shown(said) == [("upsert", "g:c"), ("delete", "g:a")]


def test_a_renamed_group_gives_everybody_another_role():
    said = compute_group_events("okta", "g", 5, state("Sales", "a", "b"), state("Support", "b"))

    assert shown(said) == [("upsert", "g:b"), ("delete", "g:a")]
    assert said[0].body["role"] == "Support"


def test_the_end_of_a_group_ends_memberships_first():
    said = compute_end_of_group("okta", "g", 5, frozenset({"a"}))

    assert shown(said) == [("delete", "g:a"), ("delete", "g")]
    assert [one.terminal for one in said] == [False, True]


@pytest.mark.parametrize(
    "event",
    [
        say_user("okta", "u", 7, active=True),
        say_user("okta", "u", 7, active=False),
        say_member("okta", "g", "u", 7, role="Sales"),
        say_left("okta", "g", "u", 7),
        say_gone("okta", Kind.USER, "u", 7),
    ],
)
def test_a_stored_statement_is_read_as_it_was(event: Event):
    assert CONNECTOR.parse(Delivery(dump_statement(event))) == (event,)


@pytest.mark.parametrize(
    ("body", "problem"), [(b"{", Malformed), (b"[]", Malformed), (b"{}", Unusable), (b'{"op":"x"}', Unusable)]
)
def test_what_is_no_statement_is_refused(body: bytes, problem: type[Exception]):
    with pytest.raises(problem):
        CONNECTOR.parse(Delivery(body))


def test_an_inactive_user_is_deprovisioned():
    assert say_user("okta", "u", 7, active=False).body["blocked"] == "deprovisioned"
    assert say_left("okta", "g", "u", 7).op is EventOp.DELETE


def test_scim_has_neither_webhook_nor_api():
    with pytest.raises(Rejected):
        CONNECTOR.verify(Delivery(b"{}", {"authorization": "Bearer token"}), 0)
    with pytest.raises(ConfigProblem):
        CONNECTOR.sign(b"{}", 0)
    assert CONNECTOR.api is None
    assert CONNECTOR.auth
