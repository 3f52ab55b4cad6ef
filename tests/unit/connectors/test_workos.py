"""WorkOS: what its payloads mean, and what its API shows."""

from __future__ import annotations

from typing import Any

import pytest
from unkey_sync_connectors.base import Rejected, Unusable
from unkey_sync_connectors.event import Entity, EventOp, Kind
from workos.common.models.dsync_activated import DsyncActivated
from workos.common.models.dsync_deleted import DsyncDeleted

from tests.unit.connectors.natives import Answers, native, payload
from tests.unit.connectors.support import NOW, SECOND, only, read, signed

ADA = "user_01KDVDEMOADA0000000000001"
GRACE = "directory_user_01KDVDEMOGRACE000000001"
ACME = "org_01KDVDEMOACME000000000001"
DIRECTORY = Entity(Kind.DIRECTORY, "directory_01KDVDEMO000000000001")
MEMBERSHIP = Entity(Kind.MEMBERSHIP, f"{ACME}:{ADA}")
MEMBERSHIPS = "/user_management/organization_memberships"


def data(event_type: str, **changes: Any) -> dict[str, Any]:
    return {**payload("workos", event_type)["data"], **changes}


def changed(event_type: str, **changes: Any) -> dict[str, Any]:
    return {**payload("workos", event_type), "data": data(event_type, **changes)}


def listed(*rows: dict[str, Any], after: str | None = None) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "list_metadata": {"before": None, "after": after}}


@pytest.mark.parametrize(
    ("status", "op"),
    [
        ("active", EventOp.UPSERT),
        (None, EventOp.UPSERT),
        ("inactive", EventOp.DELETE),
        ("pending", EventOp.DELETE),
    ],
)
def test_only_an_active_membership_is_one(status: str | None, op: EventOp):
    event = only(native("workos"), changed("organization_membership.updated", status=status))

    assert (event.op, event.entity, event.terminal) == (op, MEMBERSHIP, False)


@pytest.mark.parametrize(
    ("roles", "role", "slug"),
    [
        ([{"slug": "admin"}, {"slug": "member"}], None, "admin"),
        ([], {"slug": "member"}, "member"),
        (None, None, None),
    ],
)
def test_several_roles_go_before_the_single_one(roles: Any, role: Any, slug: str | None):
    event = only(native("workos"), changed("organization_membership.updated", roles=roles, role=role))

    assert event.body["role"] == slug


@pytest.mark.parametrize(
    ("state", "blocked"), [("active", None), ("inactive", "deprovisioned"), ("suspended", "deprovisioned")]
)
def test_a_directory_takes_access_away_by_state(state: str, blocked: str | None):
    user, membership = read(native("workos"), changed("dsync.user.updated", state=state))

    assert user.body["blocked"] == blocked
    assert membership.op is (EventOp.DELETE if blocked else EventOp.UPSERT)


@pytest.mark.parametrize("event_type", ["dsync.user.updated", "dsync.user.deleted"])
def test_an_old_directory_payload_names_no_organisation(event_type: str):
    event = only(native("workos"), changed(event_type, organization_id=None, object=None))

    assert event.entity == Entity(Kind.USER, GRACE)


def test_a_deleted_directory_is_gone_for_good_from_when_it_was_told():
    activated = only(native("workos"), payload("workos", "dsync.activated"))
    deleted = only(native("workos"), payload("workos", "dsync.deleted"))

    assert activated.entity == deleted.entity == DIRECTORY
    assert (activated.op, activated.terminal) == (EventOp.UPSERT, False)
    assert (deleted.op, deleted.terminal, deleted.rank) == (EventOp.DELETE, True, 2)
    assert deleted.version == deleted.occurred_at > activated.version


def test_workoss_own_reader_finds_the_same_directory():
    for reader, event_type in ((DsyncActivated, "dsync.activated"), (DsyncDeleted, "dsync.deleted")):
        theirs = reader.from_dict(payload("workos", event_type))
        ours = only(native("workos"), payload("workos", event_type))

        assert (theirs.id, theirs.event) == (ours.delivery_id, ours.type)
        assert Entity(Kind.DIRECTORY, theirs.data.id) == ours.entity
        assert int(theirs.created_at.timestamp() * 1_000) >= ours.version // 1_000


@pytest.mark.parametrize("event_type", ["dsync.user.created", "dsync.user.updated", "dsync.user.deleted"])
def test_a_directorys_user_hangs_on_it_and_its_membership_on_the_organisation(event_type: str):
    user, membership = read(native("workos"), payload("workos", event_type))
    bare = read(native("workos"), changed(event_type, directory_id=None))[0]

    assert (user.owner, bare.owner) == (DIRECTORY, None)
    assert membership.owner == Entity(Kind.ORGANIZATION, ACME)


def test_a_fetched_and_a_listed_user_of_a_directory_hang_on_it():
    row = data("dsync.user.updated")
    routes = {
        f"/directory_users/{GRACE}": row,
        "/directory_users": listed(row),
        "/directories": listed({"id": DIRECTORY.id}),
        "/user_management/users": listed(),
        "/organizations": listed(),
    }

    fetched = native("workos").fetch(Answers(routes), Entity(Kind.USER, GRACE), None)
    gone = native("workos").fetch(Answers({}), Entity(Kind.USER, GRACE), DIRECTORY)
    shown = [one for page in native("workos").pages(Answers(routes), None) for one in page.events]

    assert fetched.owner == gone.owner == DIRECTORY
    assert [one.owner for one in shown if one.entity == fetched.entity] == [DIRECTORY]


def test_a_time_may_be_written_with_a_space_and_without_a_zone():
    body = {**payload("workos", "user.deleted"), "created_at": "2026-01-01 00:05:00.120"}

    assert only(native("workos"), body) == only(native("workos"), payload("workos", "user.deleted"))


def test_another_environments_events_are_parked():
    with pytest.raises(Unusable, match="client_id"):
        read(native("workos", account="client_1"), payload("workos", "user.created"))


@pytest.mark.parametrize(("configured_s", "allowed_s"), [(900, 180), (60, 60)])
def test_the_tolerance_is_never_longer_than_workoss_own(configured_s: int, allowed_s: int):
    connector = native("workos", tolerance_s=configured_s)
    delivery = signed(connector, b"{}")

    connector.verify(delivery, NOW + allowed_s * SECOND)
    with pytest.raises(Rejected, match="too_old"):
        connector.verify(delivery, NOW + (allowed_s + 1) * SECOND)


@pytest.mark.parametrize(
    ("entity", "path", "event_type"),
    [
        (Entity(Kind.USER, ADA), f"/user_management/users/{ADA}", "user.created"),
        (Entity(Kind.USER, GRACE), f"/directory_users/{GRACE}", "dsync.user.created"),
        (Entity(Kind.ORGANIZATION, ACME), f"/organizations/{ACME}", "organization.created"),
    ],
)
def test_an_object_is_fetched_by_its_id(entity: Entity, path: str, event_type: str):
    api = Answers({path: data(event_type)})
    told = read(native("workos"), payload("workos", event_type))[0]

    found = native("workos").fetch(api, entity, None)
    gone = native("workos").fetch(Answers({}), entity, None)

    assert (found.op, found.entity, found.body, found.version) == (
        EventOp.UPSERT,
        entity,
        told.body,
        told.version,
    )
    assert (gone.op, gone.entity, gone.terminal) == (EventOp.DELETE, entity, False)


def test_of_several_memberships_the_newest_counts():
    rows = [
        data("organization_membership.updated"),
        data("organization_membership.created", status="inactive"),
    ]
    api = Answers({MEMBERSHIPS: listed(*rows)})

    found = native("workos").fetch(api, MEMBERSHIP, None)
    none = native("workos").fetch(Answers({MEMBERSHIPS: listed()}), MEMBERSHIP, None)
    gone = native("workos").fetch(Answers({}), MEMBERSHIP, None)

    assert (found.op, found.body["role"]) == (EventOp.UPSERT, "member")
    assert api.asked[0].params["statuses[]"] == ("active", "inactive", "pending")
    for absent in (none, gone):
        assert (absent.op, absent.owner, absent.member) == (
            EventOp.DELETE,
            Entity(Kind.ORGANIZATION, ACME),
            Entity(Kind.USER, ADA),
        )


def test_a_directory_users_membership_is_read_from_the_user():
    entity = Entity(Kind.MEMBERSHIP, f"{ACME}:{GRACE}")

    found = native("workos").fetch(
        Answers({f"/directory_users/{GRACE}": data("dsync.user.created")}), entity, None
    )

    assert (found.op, found.entity) == (EventOp.UPSERT, entity)


def test_catalogue_entries_are_not_fetched():
    assert native("workos").fetch(Answers({}), Entity(Kind.CATALOGUE, "admin"), None).op is EventOp.IGNORE


def everything() -> Answers:
    def users(params: dict[str, Any]) -> dict[str, Any]:
        if "after" in params:
            return listed({**data("user.created"), "id": "user_2"})
        return listed(data("user.created"), after="user_1")

    members = listed(
        data("organization_membership.created"),
        data("organization_membership.created", metadata=1, user_id=ADA),
    )
    return Answers(
        {
            "/user_management/users": users,
            "/organizations": listed(data("organization.created")),
            MEMBERSHIPS: members,
            "/directories": listed({"id": "directory_1"}),
            "/directory_users": listed(data("dsync.user.created"), data("dsync.user.created", state=7)),
        }
    )


def test_a_backfill_lists_users_organisations_members_and_directories():
    found = list(native("workos").pages(everything(), None))

    entities = [event.entity for page in found for event in page.events]
    assert [page.last for page in found] == [False, False, False, True]
    assert entities == [
        Entity(Kind.USER, ADA),
        Entity(Kind.USER, "user_2"),
        Entity(Kind.ORGANIZATION, ACME),
        MEMBERSHIP,
        MEMBERSHIP,
        Entity(Kind.USER, GRACE),
        Entity(Kind.MEMBERSHIP, f"{ACME}:{GRACE}"),
        Entity(Kind.USER, GRACE),
    ]
    assert found[-1].events[-1].op is EventOp.SIGNAL


def test_a_backfill_goes_on_after_any_page_without_gap_or_repeat():
    whole = list(native("workos").pages(everything(), None))

    for number, page in enumerate(whole[:-1], start=1):
        assert list(native("workos").pages(everything(), page.checkpoint)) == whole[number:]
    (after_the_end,) = native("workos").pages(everything(), whole[-1].checkpoint)
    assert (list(after_the_end.events), after_the_end.last) == ([], True)


def feed(params: dict[str, Any]) -> dict[str, Any]:
    """The first page holds one event, the second all others."""
    unclear = changed("organization_membership.created", organization_id="org_2", updated_at="?")
    rows = [
        payload("workos", "user.created"),
        payload("workos", "user.updated"),
        {**unclear, "id": "event_3"},
        {**payload("workos", "role.updated"), "id": "event_4", "data": {}},
    ]
    if "after" not in params:
        return listed(rows[0], after=rows[0]["id"])
    return listed(*rows[[row["id"] for row in rows].index(params["after"]) + 1 :])


def test_the_feed_says_the_same_as_the_webhooks_under_the_same_ids():
    api = Answers({"/events": feed})

    found = list(native("workos").catch_up(api, NOW, None))

    told = [read(native("workos"), payload("workos", name))[0] for name in ("user.created", "user.updated")]
    assert [event for page in found for event in page.events][:2] == told
    assert api.asked[0].params["range_start"] == "2025-12-31T23:59:00.000Z"
    assert "range_start" not in api.asked[1].params
    assert [page.last for page in found] == [False, True]
    assert found[-1].checkpoint == "event_4"


def test_the_feed_goes_on_after_the_last_event_that_was_stored():
    (page,) = native("workos").catch_up(
        Answers({"/events": feed}), NOW, payload("workos", "user.updated")["id"]
    )

    membership, catalogue = page.events
    assert (membership.op, membership.entity) == (EventOp.SIGNAL, Entity(Kind.MEMBERSHIP, f"org_2:{ADA}"))
    assert membership.member == Entity(Kind.USER, ADA)
    assert catalogue.op is EventOp.IGNORE


def test_an_empty_feed_keeps_its_place():
    (page,) = native("workos").catch_up(Answers({"/events": listed()}), NOW, "event_9")

    assert (page.checkpoint, page.last) == ("event_9", True)
