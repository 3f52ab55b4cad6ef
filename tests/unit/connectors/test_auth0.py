"""Auth0: what its events mean, and what its Management API shows."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Entity, EventOp, Kind

from tests.unit.connectors.natives import Answers, native, payload
from tests.unit.connectors.support import NOW, only, read
from tests.unit.connectors.test_natives_order import known_after

ADA = "auth0|6954f000demo000000000001"
ACME = "org_demoAcme00000001"
ADMIN = "rol_demoAdmin0000001"
MEMBERSHIP = Entity(Kind.MEMBERSHIP, f"{ACME}:{ADA}")
GRANT = Entity(Kind.MEMBERSHIP, f"role/{ADMIN}/{ACME}:{ADA}")
USER_PATH = f"/api/v2/users/{quote(ADA, safe='')}"
STREAMS = "/api/v2/event-streams"
MOST_HITS = 300
"""Auth0's own limit is 1,000."""


def changed(event_type: str, **changes: Any) -> dict[str, Any]:
    body = payload("auth0", event_type)
    return {**body, "data": {"object": {**body["data"]["object"], **changes}}}


def user(n: int = 0, **changes: Any) -> dict[str, Any]:
    """A user as the search shows it."""
    found = changed("user.created")["data"]["object"]
    stamp = f"2026-01-01T00:00:{n // 10:02d}.000Z"
    return {**found, "user_id": f"auth0|{n}", "created_at": stamp, "updated_at": stamp, **changes}


def test_the_metadata_that_users_write_themselves_is_never_read():
    event = only(native("auth0"), payload("auth0", "user.created"))

    assert event.body == {"external_ref": None, "blocked": None, "metadata": {"org_id": "org_acme"}}


def test_an_update_that_comes_before_its_creation_is_not_undone():
    told = [read(native("auth0"), payload("auth0", f"user.{what}")) for what in ("updated", "created")]

    assert known_after(told)[Entity(Kind.USER, ADA)].body["blocked"] == "banned"


def test_a_user_who_was_deleted_may_come_back_under_the_same_id():
    back = {**payload("auth0", "user.created"), "id": "evt_back", "time": "2026-01-01T00:09:00.120Z"}
    told = [read(native("auth0"), body) for body in (back, payload("auth0", "user.deleted"))]

    assert not known_after(told)[Entity(Kind.USER, ADA)].deleted


def test_roles_assigned_and_taken_away_in_any_order_leave_other_roles_alone():
    other = changed("organization.member.role.assigned", role={"id": "rol_2", "name": "viewer"})
    told = [payload("auth0", f"organization.member.role.{what}") for what in ("deleted", "assigned")]

    known = known_after(read(native("auth0"), body) for body in (*told, other))

    assert known[GRANT].deleted
    assert known[Entity(Kind.MEMBERSHIP, f"role/rol_2/{ACME}:{ADA}")].body["role"] == "viewer"


def test_a_test_event_is_ignored():
    assert (
        only(native("auth0"), {**payload("auth0", "user.created"), "a0purpose": "test"}).op is EventOp.IGNORE
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": None}, "specversion"),
        ({"time": None}, "time"),
    ],
)
def test_what_is_no_cloud_event_is_parked(change: dict[str, Any], reason: str):
    with pytest.raises(Unusable, match=reason):
        read(native("auth0"), {**payload("auth0", "user.created"), **change})


def test_another_tenants_events_are_parked():
    with pytest.raises(Unusable, match="a0tenant"):
        read(native("auth0", account="other"), payload("auth0", "user.created"))


@pytest.mark.parametrize(
    ("entity", "path", "answer"),
    [
        (Entity(Kind.USER, ADA), USER_PATH, payload("auth0", "user.created")["data"]["object"]),
        (
            Entity(Kind.ORGANIZATION, ACME),
            f"/api/v2/organizations/{ACME}",
            payload("auth0", "organization.created")["data"]["object"],
        ),
        (MEMBERSHIP, f"{USER_PATH}/organizations", [{"id": "org_other"}, {"id": ACME}]),
        (
            GRANT,
            f"/api/v2/organizations/{ACME}/members/{quote(ADA, safe='')}/roles",
            [{"id": ADMIN, "name": "admin"}],
        ),
    ],
)
def test_an_object_is_fetched_by_its_id(entity: Entity, path: str, answer: Any):
    found = native("auth0").fetch(Answers({path: answer}), entity, None)
    gone = native("auth0").fetch(Answers({}), entity, None)

    assert (found.op, found.entity) == (EventOp.UPSERT, entity)
    assert found.version > 0
    assert (gone.op, gone.entity, gone.terminal) == (EventOp.DELETE, entity, False)
    assert (found.owner, found.member) == (gone.owner, gone.member)
    assert (found.member is not None) == (entity.kind is Kind.MEMBERSHIP)


def test_a_fetched_grant_carries_the_roles_name_and_a_membership_none():
    roles = f"/api/v2/organizations/{ACME}/members/{quote(ADA, safe='')}/roles"
    api = Answers(
        {
            roles: [{"id": ADMIN, "name": "admin"}],
            f"{USER_PATH}/organizations": [{"id": ACME, "name": "acme"}],
        }
    )

    assert native("auth0").fetch(api, GRANT, None).body["role"] == "admin"
    assert native("auth0").fetch(api, MEMBERSHIP, None).body["role"] is None


def test_a_member_of_other_organisations_only_is_none_of_this_one():
    found = native("auth0").fetch(
        Answers({f"{USER_PATH}/organizations": [{"id": "org_2"}]}), MEMBERSHIP, None
    )

    assert (found.op, found.owner) == (EventOp.DELETE, Entity(Kind.ORGANIZATION, ACME))


def test_catalogue_entries_are_not_fetched():
    assert native("auth0").fetch(Answers({}), Entity(Kind.CATALOGUE, "x"), None).op is EventOp.IGNORE


def search(rows: list[dict[str, Any]]) -> Any:
    """Users by date, at most MOST_HITS of one query."""

    def answer(params: dict[str, Any]) -> list[dict[str, Any]]:
        by, _, span = params["q"].partition(":")
        since = span[1:].partition(" ")[0]
        found = [row for row in rows if since == "*" or row[by] >= since]
        start = params["page"] * params["per_page"]
        assert start + params["per_page"] <= MOST_HITS
        return found[start : start + params["per_page"]]

    return answer


def test_a_backfill_walks_more_users_than_one_query_shows():
    crowd = "2026-01-01T00:01:00.000Z"
    rows = [*(user(n) for n in range(190)), *(user(n, created_at=crowd) for n in range(190, 440))]
    rows[3]["blocked"] = "?"
    api = Answers({"/api/v2/users": search(rows), "/api/v2/organizations": {"organizations": []}})

    whole = list(native("auth0").pages(api, None))

    assert {event.entity.id for page in whole for event in page.events if event.entity} == {
        row["user_id"] for row in rows
    }
    assert EventOp.SIGNAL in {event.op for event in whole[0].events}
    for number, page in enumerate(whole[:-1], start=1):
        assert list(native("auth0").pages(api, page.checkpoint)) == whole[number:]


def test_a_backfill_lists_members_with_their_roles():
    member = {"user_id": ADA, "roles": [{"id": ADMIN, "name": "admin"}]}
    api = Answers(
        {
            "/api/v2/users": [],
            "/api/v2/organizations": {"organizations": [{"id": ACME}], "next": None},
            f"/api/v2/organizations/{ACME}/members": {"members": [member], "next": None},
        }
    )

    *_, last = native("auth0").pages(api, None)

    assert [event.entity for event in last.events] == [Entity(Kind.ORGANIZATION, ACME), MEMBERSHIP, GRANT]
    assert last.events[-1].body["role"] == "admin"


def test_without_a_stream_catching_up_reads_failed_deliveries_and_changed_users():
    stream = f"{STREAMS}/est_1/deliveries"
    told = [payload("auth0", "user.deleted"), payload("auth0", "organization.created")]
    unclear = changed("user.updated", blocked="?")
    deliveries = [{"id": "d1", "event": told[0]}, {"id": "d2"}, {"id": "d3", "event": unclear}]
    api = Answers(
        {
            STREAMS: {"eventStreams": [{"id": "est_1"}, {"id": "est_2"}]},
            stream: {"deliveries": deliveries},
            f"{stream}/d2": {"id": "d2", "event": told[1]},
            "/api/v2/users": search([user(9, updated_at="2026-01-01T00:00:09.000Z")]),
        }
    )

    (page,) = native("auth0").catch_up(api, NOW, None)
    (again,) = native("auth0").catch_up(api, 0, page.checkpoint)

    by_type = {event.type: event for event in page.events}
    assert by_type["user.deleted"] == only(native("auth0"), told[0])
    assert by_type["organization.created"] == only(native("auth0"), told[1])
    assert by_type["user.updated"].op is EventOp.IGNORE
    assert by_type["catch_up"].entity == Entity(Kind.USER, "auth0|9")
    assert api.asked[2].params["statuses"] == "failed"
    assert again.last


def test_a_tenant_without_event_streams_still_catches_up():
    (page,) = native("auth0").catch_up(Answers({"/api/v2/users": []}), NOW, None)

    assert (list(page.events), page.last) == ([], True)
