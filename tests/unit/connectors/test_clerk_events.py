"""Clerk's users, organisations, memberships and roles, from the envelope to the canonical event."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from unkey_sync_connectors.base import Delivery, Malformed, Rejected, Unusable
from unkey_sync_connectors.event import Entity, EventOp, Kind

from tests.unit.connectors.support import NOW, SECOND, clerk, only, read, sample, signed

CREATED_MS = 1_767_225_600_000
USER = "user_2demoAda00000000000000001"
ORGANIZATION = "org_2demoAcme0000000000000001"
MEMBERSHIP = Entity(Kind.MEMBERSHIP, f"{ORGANIZATION}:{USER}")


def test_a_user_becomes_an_upsert_ordered_by_its_own_change():
    event = only(clerk(), sample(clerk(), "user.updated"))

    assert (event.op, event.entity) == (EventOp.UPSERT, Entity(Kind.USER, USER))
    assert (event.version, event.resolution) == ((CREATED_MS + 60_000) * 1_000, 1_000)
    assert event.occurred_at == (CREATED_MS + 60_120) * 1_000
    assert event.account == "ins_2demoInstance0000000000001"
    assert event.body == {"external_ref": "customer-42", "blocked": None, "metadata": {}}


def test_an_envelope_in_seconds_and_older_than_its_object_does_not_disturb_the_order():
    payload = sample(clerk(), "user.updated")
    payload["timestamp"] = CREATED_MS // 1_000 - 5

    event = only(clerk(), payload)

    assert event.version == (CREATED_MS + 60_000) * 1_000
    assert event.occurred_at == (CREATED_MS // 1_000 - 5) * SECOND


def test_an_object_without_its_own_version_takes_the_envelopes():
    event = only(clerk(), sample(clerk(), "user.created", updated_at=None))

    assert (event.version, event.resolution) == ((CREATED_MS + 120) * 1_000, 1_000)


@pytest.mark.parametrize(
    ("flags", "blocked"),
    [
        ({}, None),
        ({"banned": True}, "banned"),
        ({"locked": True}, "locked"),
        ({"deprovisioned": True}, "deprovisioned"),
        ({"deprovisioned": True, "locked": True}, "locked"),
        ({"banned": True, "locked": True}, "banned"),
        ({"banned": None}, None),
    ],
)
def test_blocked_names_the_first_reason(flags: dict[str, Any], blocked: str | None):
    event = only(clerk(), sample(clerk(), "user.updated", **flags))

    assert event.body["blocked"] == blocked


def test_of_metadata_only_what_link_rules_read_is_kept_and_never_what_users_write():
    payload = sample(
        clerk(),
        "user.updated",
        public_metadata={"org_id": "public", "user_id": "u_1", "plan": "pro"},
        private_metadata={"org_id": "private", "n": 1},
        unsafe_metadata={"org_id": "unsafe", "user_id": "unsafe"},
    )

    event = only(clerk(metadata_keys=frozenset({"org_id", "user_id", "n"})), payload)

    assert event.body["metadata"] == {"org_id": "private", "user_id": "u_1"}


@pytest.mark.parametrize(
    "event_type", ["user.created", "organizationMembership.created", "subscription.created"]
)
def test_no_name_and_no_address_is_kept(event_type: str):
    events = read(clerk(), sample(clerk(), event_type))

    for word in ("example.com", "'Ada'", "'Example'", "Acme Example"):
        assert word not in repr(events)


@pytest.mark.parametrize(
    ("event_type", "kind", "entity_id"),
    [("user.deleted", Kind.USER, USER), ("organization.deleted", Kind.ORGANIZATION, ORGANIZATION)],
)
def test_a_deleted_user_or_organisation_never_comes_back(event_type: str, kind: Kind, entity_id: str):
    payload = sample(clerk(), event_type)

    event = only(clerk(), payload)

    assert (event.op, event.entity, event.terminal) == (EventOp.DELETE, Entity(kind, entity_id), True)
    assert (event.version, event.rank, event.body) == (payload["timestamp"] * 1_000, 2, {})


def test_a_delete_told_in_seconds_comes_after_everything_in_its_second():
    payload = sample(clerk(), "user.deleted")
    payload["timestamp"] = 1_767_225_600

    event = only(clerk(), payload)

    assert (event.version, event.resolution) == (1_767_225_600_999_999, SECOND)


def test_an_organisation_may_carry_our_own_id():
    event = only(clerk(), sample(clerk(), "organization.created", external_id="acme"))

    assert event.entity == Entity(Kind.ORGANIZATION, ORGANIZATION)
    assert event.body == {"external_ref": "acme", "blocked": None, "metadata": {}}


def test_a_membership_is_named_by_its_parties_and_hangs_on_both():
    event = only(clerk(), sample(clerk(), "organizationMembership.created"))

    assert event.entity == MEMBERSHIP
    assert event.owner == Entity(Kind.ORGANIZATION, ORGANIZATION)
    assert event.member == Entity(Kind.USER, USER)
    assert event.body == {
        "organization": ORGANIZATION,
        "user": USER,
        "role": "org:admin",
        "permissions": ["org:sys_profile:manage", "org:sys_memberships:manage", "org:sys_memberships:read"],
    }


@pytest.mark.parametrize(
    ("timestamp", "updated_at", "version"),
    [
        (CREATED_MS + 9_000, CREATED_MS, (CREATED_MS + 9_000) * 1_000),
        (CREATED_MS, CREATED_MS + 700, (CREATED_MS + 700) * 1_000),
        (CREATED_MS // 1_000, CREATED_MS + 700, CREATED_MS * 1_000 + 999_999),
        (CREATED_MS // 1_000 - 3, CREATED_MS + 700, (CREATED_MS + 700) * 1_000),
        (CREATED_MS, None, CREATED_MS * 1_000),
    ],
)
def test_a_membership_delete_is_as_late_as_the_later_of_envelope_and_object(
    timestamp: int, updated_at: int | None, version: int
):
    payload = sample(clerk(), "organizationMembership.deleted", updated_at=updated_at)
    payload["timestamp"] = timestamp

    event = only(clerk(), payload)

    assert (event.op, event.entity, event.terminal) == (EventOp.DELETE, MEMBERSHIP, False)
    assert (event.version, event.rank) == (version, 2)
    assert event.owner == Entity(Kind.ORGANIZATION, ORGANIZATION)
    assert event.member == Entity(Kind.USER, USER)


@pytest.mark.parametrize("what", ["role", "permission"])
@pytest.mark.parametrize("done", ["created", "updated", "deleted"])
def test_roles_and_permissions_only_wake_somebody_up(what: str, done: str):
    payload = sample(clerk(), "role.updated")
    payload["type"] = f"{what}.{done}"

    event = only(clerk(), payload)

    assert event.op is EventOp.SIGNAL
    assert event.entity == Entity(Kind.CATALOGUE, payload["data"]["id"])


@pytest.mark.parametrize(
    "event_type",
    [
        "session.created",
        "email.created",
        "sms.created",
        "paymentAttempt.updated",
        "waitlistEntry.created",
        "organizationInvitation.accepted",
        "organizationDomain.created",
        "user.createdAtNoon",
        "user",
        "something.new",
    ],
)
def test_other_types_are_ignored(event_type: str):
    payload = sample(clerk(), "session.created")
    payload["type"] = event_type

    event = only(clerk(), payload)

    assert (event.op, event.entity, event.type) == (EventOp.IGNORE, None, event_type)


@pytest.mark.parametrize(("what", "rank"), [("created", 0), ("updated", 1)])
def test_a_creation_yields_to_an_update_of_the_same_instant(what: str, rank: int):
    assert only(clerk(), sample(clerk(), f"user.{what}")).rank == rank


def test_the_delivery_is_svixs_message():
    delivery = signed(clerk(), sample(clerk(), "user.created"))

    (event,) = clerk().parse(delivery)

    assert event.delivery_id == delivery.headers["svix-id"]


@pytest.mark.parametrize("headers", [{}, {"svix-id": "m" * 256}, {"svix-id": "a\0b"}])
def test_a_delivery_without_a_usable_message_id_is_known_by_its_body(headers: dict[str, str]):
    body = orjson.dumps(sample(clerk(), "user.created"))

    (event,) = clerk().parse(Delivery(body, headers))
    (again,) = clerk().parse(Delivery(body, {}))

    assert event.delivery_id == again.delivery_id
    assert event.delivery_id.startswith("body:")


def test_another_instances_event_is_parked_and_not_lost():
    delivery = signed(clerk(), sample(clerk(), "user.created"))

    with pytest.raises(Unusable, match="instance_id") as caught:
        clerk(account="ins_other").parse(delivery)

    assert caught.value.delivery_id == delivery.headers["svix-id"]
    assert caught.value.event_type == "user.created"


def test_the_configured_instances_events_are_read():
    event = only(clerk(account="ins_2demoInstance0000000000001"), sample(clerk(), "user.created"))

    assert event.op is EventOp.UPSERT


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": None}, "type is missing"),
        ({"timestamp": None}, "timestamp is missing"),
        ({"timestamp": "soon"}, "timestamp is not a timestamp"),
        ({"data": None}, "data is missing"),
        ({"data": []}, "data is not an object"),
        ({"data": {"id": "user_\0"}}, "data.id contains NUL"),
        ({"data": {"id": "u" * 256}}, "data.id is longer than 255 characters"),
        ({"data": {"id": "user_1", "banned": "no"}}, "data.banned is not true or false"),
        ({"data": {"id": "user_1", "updated_at": True}}, "data.updated_at is not a timestamp"),
    ],
)
def test_an_event_that_cannot_be_understood_names_the_field(change: dict[str, Any], reason: str):
    payload = {**sample(clerk(), "user.created"), **change}

    with pytest.raises(Unusable) as caught:
        read(clerk(), payload)

    assert caught.value.reason == reason
    assert caught.value.delivery_id is not None


def test_a_body_that_is_no_object_is_malformed():
    with pytest.raises(Malformed):
        read(clerk(), b"[]")


def test_an_unsigned_delivery_is_rejected():
    with pytest.raises(Rejected):
        clerk().verify(Delivery(b"{}", {}), NOW)


def test_clerk_is_answered_with_a_plain_200():
    answer = clerk().answer()

    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"{}", "application/json")
