"""What a row of a file says. Problems name the column and never the value."""

from __future__ import annotations

from typing import Any

import pytest
from unkey_sync.files.rows import Defaults, to_event
from unkey_sync_connectors.base import ConfigProblem, Unusable
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind

SECOND = 1_000_000


def event(kind: str = "user", /, **row: str) -> Event:
    return to_event("clerk", row, Defaults.of(kind, "", frozenset({"org_id"})))


def test_a_user_with_everything() -> None:
    said = event(
        id="user_1",
        external_ref="42",
        blocked="banned",
        updated_at="2026-01-01T00:00:00Z",
        **{"metadata.org_id": "org_1", "metadata.colour": "red"},
    )

    assert (said.op, said.entity, said.type) == (EventOp.UPSERT, Entity(Kind.USER, "user_1"), "backfill")
    assert (said.version, said.resolution) == (1_767_225_600 * SECOND, SECOND)
    assert said.body == {"external_ref": "42", "blocked": "banned", "metadata": {"org_id": "org_1"}}


def test_a_row_without_a_date_is_older_than_everything() -> None:
    assert event(id="user_1").version == 0


def test_a_date_for_the_whole_file_counts_where_a_row_has_none() -> None:
    defaults = Defaults.of("user", "1767225600", frozenset())

    undated = to_event("clerk", {"id": "user_1"}, defaults)
    dated = to_event("clerk", {"id": "user_1", "updated_at": "1767225660000"}, defaults)

    assert (undated.version, dated.version) == (1_767_225_600 * SECOND, 1_767_225_660 * SECOND)


def test_a_membership_hangs_on_both_its_sides_and_is_named_by_them() -> None:
    said = event("membership", organization="org_1", user="user_1", role="org:admin", permissions="b a")

    assert said.entity == Entity(Kind.MEMBERSHIP, "org_1:user_1")
    assert (said.owner, said.member) == (Entity(Kind.ORGANIZATION, "org_1"), Entity(Kind.USER, "user_1"))
    assert said.body["permissions"] == ["a", "b"]


def test_a_subscription_hangs_on_its_payer() -> None:
    said = event(
        "subscription",
        id="sub_1",
        customer="cus_1",
        status="trialing",
        lookup_key="pro",
        quantity="5",
        trial_end="1767225600",
        cancel_at_period_end="yes",
    )

    assert said.owner == Entity(Kind.CUSTOMER, "cus_1")
    assert said.body["items"] == [{"product": None, "price": None, "lookup_key": "pro", "quantity": 5}]
    assert said.body["trial_end"] == 1_767_225_600 * SECOND
    assert said.body["cancel_at_period_end"] is True
    assert said.body["period_end"] is None


def test_an_organisation_may_be_the_payer() -> None:
    said = event("subscription", id="sub_1", organization="org_1", status="active")

    assert said.owner == Entity(Kind.ORGANIZATION, "org_1")


def test_a_row_may_say_its_own_kind() -> None:
    assert event("user", kind="customer", id="cus_1").entity == Entity(Kind.CUSTOMER, "cus_1")


def test_a_deleted_object_is_a_deletion_that_may_come_back() -> None:
    said = event(id="user_1", deleted="true", updated_at="1767225600")

    assert (said.op, said.terminal, said.body) == (EventOp.DELETE, False, {})


def test_the_same_row_is_recognised_when_it_is_read_again() -> None:
    first, again, other = event(id="user_1"), event(id="user_1"), event(id="user_1", blocked="banned")

    assert first.delivery_id == again.delivery_id != other.delivery_id


@pytest.mark.parametrize(
    ("kind", "row", "reason"),
    [
        ("user", {}, "id is missing"),
        ("user", {"id": "a\nb"}, "id is no id"),
        ("user", {"id": "x" * 256}, "id is no id"),
        ("user", {"id": "u", "kind": "robot"}, "kind is unknown"),
        ("user", {"id": "u", "updated_at": "yesterday"}, "updated_at is no date"),
        ("user", {"id": "u", "deleted": "maybe"}, "deleted is neither true nor false"),
        ("membership", {"organization": "o"}, "user is missing"),
        ("subscription", {"id": "s", "status": "active"}, "customer is missing"),
        (
            "subscription",
            {"id": "s", "customer": "c", "status": "active", "quantity": "-1"},
            "quantity is no number",
        ),
        (
            "subscription",
            {"id": "s", "customer": "c", "status": "active", "trial_end": "x"},
            "trial_end is no date",
        ),
    ],
)
def test_what_cannot_be_meant_is_unusable(kind: str, row: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unusable) as refused:
        event(kind, **row) if "kind" not in row else to_event(
            "clerk", row, Defaults.of(kind, "", frozenset())
        )

    assert refused.value.reason == reason


def test_a_status_that_is_none_names_those_that_are() -> None:
    with pytest.raises(Unusable, match="status is none of active, canceled"):
        event("subscription", id="s", customer="c", status="unpaid")


@pytest.mark.parametrize(("kind", "as_of"), [("robot", ""), ("checkout", ""), ("user", "yesterday")])
def test_command_line_values_that_cannot_be_meant_are_refused(kind: str, as_of: str) -> None:
    with pytest.raises(ConfigProblem):
        Defaults.of(kind, as_of, frozenset())
