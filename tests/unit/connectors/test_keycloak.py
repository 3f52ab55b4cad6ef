"""Keycloak: what the events of its three extensions mean, and what its Admin REST API shows."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Entity, EventOp, Kind

from tests.unit.connectors.natives import Answers, native, payload
from tests.unit.connectors.support import NOW, only, read
from tests.unit.connectors.test_natives_order import known_after

UID = "f1d2d2f9-24e9-4ac6-b86f-000000000001"
OID = "0a1b2c3d-4e5f-4071-8293-000000000001"
ROLE = "d4c3b2a1-0000-4000-8000-000000000001"
USER = Entity(Kind.USER, UID)
ORGANIZATION = Entity(Kind.ORGANIZATION, OID)
MEMBERSHIP = Entity(Kind.MEMBERSHIP, f"{OID}:{UID}")
GRANT = Entity(Kind.MEMBERSHIP, f"role/{ROLE}:{UID}")
REALM = "/admin/realms/acme"
REALM_ID = "5ab1c2d3-0000-4000-8000-000000000001"
_MEMBERSHIPS = ("ORGANIZATION", "ORGANIZATION_MEMBERSHIP")


def changed(event_type: str, **changes: Any) -> dict[str, Any]:
    return {**payload("keycloak", event_type), **changes}


def content(event_type: str) -> Any:
    return orjson.loads(payload("keycloak", event_type)["representation"])


def test_the_content_may_be_a_text_an_object_or_missing():
    as_object = changed("admin.USER-CREATE", representation=content("admin.USER-CREATE"))
    missing = changed("admin.USER-CREATE", representation=None)

    told = only(native("keycloak"), payload("keycloak", "admin.USER-CREATE"))
    user, look = read(native("keycloak"), missing)

    assert told == only(native("keycloak"), as_object)
    assert told.body == {"external_ref": None, "blocked": None, "metadata": {"org_id": "org_acme"}}
    assert (user.entity, user.body["metadata"], look.op) == (USER, {}, EventOp.SIGNAL)


def test_the_same_event_is_understood_from_every_extension():
    uniform = only(native("keycloak"), payload("keycloak", "admin.USER-CREATE"))
    body = payload("keycloak", "admin.USER-CREATE")
    rabbit = {key: value for key, value in body.items() if key not in ("type", "uid", "id", "resourceType")}
    rabbit |= {"@class": "com.example.EventAdminNotificationMqMsg", "resourceTypeAsString": "USER"}
    flat = {"type": "USER-CREATE", "realmId": "acme", "id": body["id"], "time": body["time"],
            "resourcePath": body["resourcePath"], "representation": body["representation"]}  # fmt: skip

    by_rabbit, by_flat = only(native("keycloak"), rabbit), only(native("keycloak"), flat)

    for event in (by_rabbit, by_flat):
        assert (event.entity, event.version, event.body) == (uniform.entity, uniform.version, uniform.body)
    assert by_flat.delivery_id == uniform.delivery_id
    assert (by_rabbit.delivery_id[:5], by_rabbit.type) == ("body:", "admin.USER-CREATE")


def test_an_access_event_without_a_prefix_is_understood():
    flat = {"type": "REGISTER", "realmId": "acme", "id": "e1", "time": 1_767_225_600_120, "userId": UID}

    assert [event.entity for event in read(native("keycloak"), flat)] == [USER, USER]


def test_a_registration_and_a_console_creation_are_one_user():
    told = [
        read(native("keycloak"), payload("keycloak", name))
        for name in ("access.REGISTER", "admin.USER-CREATE")
    ]

    assert set(known_after(told)) == {USER}


def test_a_disabled_user_is_blocked_at_once_and_then_fetched():
    told = read(native("keycloak"), payload("keycloak", "admin.USER-UPDATE"))

    known = known_after([told])[USER]

    assert (known.body["blocked"], known.doubt) == ("banned", True)


@pytest.mark.parametrize("representation", [None, "", '{"firstName":"A"}'])
def test_a_partial_update_makes_the_user_be_fetched(representation: str | None):
    event = only(native("keycloak"), changed("admin.USER-UPDATE", representation=representation))

    assert (event.op, event.entity) == (EventOp.SIGNAL, USER)


@pytest.mark.parametrize("event_type", ["admin.USER-DELETE", "access.DELETE_ACCOUNT"])
def test_a_deleted_user_never_comes_back(event_type: str):
    event = only(native("keycloak"), payload("keycloak", event_type))

    assert (event.op, event.entity, event.terminal) == (EventOp.DELETE, USER, True)


@pytest.mark.parametrize("what", ["UPDATE_PROFILE", "UPDATE_EMAIL", "VERIFY_EMAIL"])
def test_what_users_change_themselves_is_fetched(what: str):
    event = only(native("keycloak"), changed("access.UPDATE_PROFILE", type=f"access.{what}"))

    assert (event.op, event.entity) == (EventOp.SIGNAL, USER)


@pytest.mark.parametrize(("what", "op"), [("CREATE", EventOp.UPSERT), ("DELETE", EventOp.DELETE)])
def test_a_role_of_a_user_is_a_membership_in_the_realm(what: str, op: EventOp):
    event = only(native("keycloak"), payload("keycloak", f"admin.REALM_ROLE_MAPPING-{what}"))

    assert (event.op, event.entity) == (op, GRANT)
    assert (event.owner, event.member) == (Entity(Kind.ORGANIZATION, "acme"), USER)


def test_every_role_of_a_client_mapping_counts():
    roles = [{"id": "r1", "name": "a", "clientRole": True}, {"id": "r2", "name": "b", "clientRole": True}]
    body = changed(
        "admin.REALM_ROLE_MAPPING-CREATE",
        resourceType="CLIENT_ROLE_MAPPING",
        resourcePath=f"users/{UID}/role-mappings/clients/c1",
        representation=orjson.dumps(roles).decode(),
    )

    assert [event.body["role"] for event in read(native("keycloak"), body)] == ["a", "b"]


@pytest.mark.parametrize(
    ("event_type", "change"),
    [
        ("admin.USER-ACTION", {}),
        ("admin.USER-ACTION", {"resourcePath": f"users/{UID}"}),
        ("admin.USER-UPDATE", {"resourcePath": f"users/{UID}/reset-password"}),
        ("admin.USER-UPDATE", {"resourcePath": None}),
        ("admin.USER-UPDATE", {"error": "user_not_found"}),
        ("admin.REALM_ROLE_MAPPING-CREATE", {"resourcePath": "groups/g1/role-mappings/realm"}),
        ("admin.REALM_ROLE_MAPPING-CREATE", {"representation": "[]"}),
        ("admin.ORGANIZATION-CREATE", {"resourcePath": f"organizations/{OID}/identity-providers"}),
        ("admin.ORGANIZATION_MEMBERSHIP-CREATE", {"resourcePath": "organizations"}),
        ("admin.USER-CREATE", {"resourceType": "GROUP", "resourcePath": "groups/g1"}),
        ("admin.USER-CREATE", {"resourceType": "SOMETHING_NEW"}),
        ("access.LOGIN", {}),
        ("access.LOGIN", {"type": "system.STARTED"}),
    ],
)
def test_everything_else_is_ignored(event_type: str, change: dict[str, Any]):
    assert only(native("keycloak"), changed(event_type, **change)).op is EventOp.IGNORE


@pytest.mark.parametrize(
    ("event_type", "change", "reason"),
    [
        ("admin.REALM_ROLE_MAPPING-CREATE", {"representation": None}, "representation is missing"),
        ("admin.REALM_ROLE_MAPPING-CREATE", {"representation": "{}"}, "representation is not a list"),
        ("admin.USER-CREATE", {"representation": "{"}, "representation is not JSON"),
        ("admin.USER-CREATE", {"representation": "[]"}, "representation is not an object"),
        ("access.REGISTER", {"authDetails": {}}, "userId is missing"),
        ("access.REGISTER", {"type": None}, "type is missing"),
        ("access.REGISTER", {"time": None}, "time is missing"),
    ],
)
def test_what_cannot_be_understood_is_parked(event_type: str, change: dict[str, Any], reason: str):
    with pytest.raises(Unusable, match=reason) as caught:
        read(native("keycloak"), changed(event_type, **change))

    assert caught.value.delivery_id is not None


def test_an_organisation_and_its_members_come_and_go():
    events = {
        name: only(native("keycloak"), payload("keycloak", f"admin.{name}"))
        for name in (f"{what}-{done}" for what in _MEMBERSHIPS for done in ("CREATE", "DELETE"))
    }

    assert [event.op for event in events.values()] == [
        EventOp.UPSERT,
        EventOp.DELETE,
        EventOp.UPSERT,
        EventOp.DELETE,
    ]
    assert events["ORGANIZATION-DELETE"].terminal
    assert {event.entity for event in events.values()} == {ORGANIZATION, MEMBERSHIP}


def test_an_organisation_update_blocks_at_once_and_an_older_membership_names_the_user_inside():
    update = changed("admin.ORGANIZATION-CREATE", operationType="UPDATE", representation='{"enabled":false}')
    member = changed(
        "admin.ORGANIZATION_MEMBERSHIP-CREATE",
        resourcePath=f"organizations/{OID}/members",
        representation=f'{{"id":"{UID}"}}',
    )

    assert read(native("keycloak"), update)[0].body["blocked"] == "banned"
    assert only(native("keycloak"), member).entity == MEMBERSHIP


@pytest.mark.parametrize(
    ("account", "change"),
    [
        ("acme", {}),
        ("acme", {"realmId": REALM_ID, "realmName": "acme"}),
        ("acme", {"realmId": REALM_ID, "authDetails": None}),
        ("acme", {"realmId": None, "authDetails": None}),
    ],
)
def test_the_configured_realms_events_are_read_by_whatever_name(account: str, change: dict[str, Any]):
    assert read(native("keycloak", account=account), changed("admin.USER-DELETE", **change))


@pytest.mark.parametrize(
    ("account", "change"),
    [
        ("other", {}),
        ("5ab1c2d3-0000-4000-8000-000000000009", {"realmId": REALM_ID, "authDetails": None}),
    ],
)
def test_another_realms_events_are_parked(account: str, change: dict[str, Any]):
    with pytest.raises(Unusable, match="realmId"):
        read(native("keycloak", account=account), changed("admin.USER-DELETE", **change))


@pytest.mark.parametrize(
    ("entity", "path", "answer"),
    [
        (
            USER,
            f"{REALM}/users/{UID}",
            {"id": UID, "enabled": False, "attributes": {"org_id": ["a"], "user_id": []}},
        ),
        (ORGANIZATION, f"{REALM}/organizations/{OID}", {"id": OID, "enabled": True}),
        (MEMBERSHIP, f"{REALM}/organizations/{OID}/members/{UID}", {"id": UID}),
        (
            GRANT,
            f"{REALM}/users/{UID}/role-mappings",
            {
                "realmMappings": [{"id": "r"}],
                "clientMappings": {"app": {"mappings": [{"id": ROLE, "name": "x"}]}},
            },
        ),
    ],
)
def test_an_object_is_fetched_by_its_id(entity: Entity, path: str, answer: Any):
    connector = native("keycloak", account="acme")
    owner = Entity(Kind.ORGANIZATION, "acme") if entity == GRANT else None

    found = connector.fetch(Answers({path: answer}), entity, owner)
    gone = connector.fetch(Answers({}), entity, owner)

    assert (found.op, found.entity) == (EventOp.UPSERT, entity)
    assert (gone.op, gone.entity, gone.terminal) == (EventOp.DELETE, entity, False)
    assert (found.owner, found.member) == (gone.owner, gone.member)


def test_a_role_that_is_not_among_the_users_is_gone_and_a_catalogue_is_not_fetched():
    api = Answers({f"{REALM}/users/{UID}/role-mappings": {}})
    connector = native("keycloak", account="acme")

    assert connector.fetch(api, GRANT, None).op is EventOp.DELETE
    assert connector.fetch(api, Entity(Kind.CATALOGUE, "x"), None).op is EventOp.IGNORE


def test_without_a_realm_nothing_can_be_asked():
    with pytest.raises(Unusable, match="account"):
        native("keycloak").fetch(Answers({}), USER, None)


def everything(**more: Any) -> Answers:
    def users(params: dict[str, Any]) -> list[dict[str, Any]]:
        rows = [{"id": f"u{n}", "enabled": True if n else "?"} for n in range(101)]
        return rows[params["first"] : params["first"] + params["max"]]

    return Answers({f"{REALM}/users": users, **more})


def test_a_backfill_lists_users_and_organisations_with_members_and_goes_on_after_any_page():
    organizations = {
        f"{REALM}/organizations": [{"id": OID}, {"id": "o2", "enabled": 7}],
        f"{REALM}/organizations/{OID}/members": [{"id": UID}],
        f"{REALM}/organizations/o2/members": [],
    }
    connector = native("keycloak", account="acme")

    whole = list(connector.pages(everything(**organizations), None))

    assert [len(page.events) for page in whole] == [100, 21, 3]  # the second begins with twenty of the first
    assert (whole[0].events[0].op, whole[0].events[1].op) == (EventOp.SIGNAL, EventOp.UPSERT)
    assert [(event.op, event.entity) for event in whole[-1].events] == [
        (EventOp.UPSERT, ORGANIZATION),
        (EventOp.UPSERT, MEMBERSHIP),
        (EventOp.SIGNAL, Entity(Kind.ORGANIZATION, "o2")),
    ]
    for number, page in enumerate(whole[:-1], start=1):
        assert list(connector.pages(everything(**organizations), page.checkpoint)) == whole[number:]


def test_an_older_keycloak_without_organisations_is_listed_too():
    *_, last = native("keycloak", account="acme").pages(everything(), None)

    assert (list(last.events), last.last) == ([], True)


def test_catching_up_reads_the_stored_events():
    connector = native("keycloak", account="acme")
    stored = payload("keycloak", "admin.USER-DELETE")
    nameless = {key: value for key, value in stored.items() if key not in ("id", "uid", "type")}
    access = {"id": "a1", "type": "REGISTER", "realmId": "acme", "userId": UID, "time": 1_767_225_600_000}
    api = Answers(
        {
            f"{REALM}/admin-events": [stored, stored, nameless, {**nameless, "time": "?"}],
            f"{REALM}/events": [access],
        }
    )

    (page,) = connector.catch_up(api, NOW, None)
    (empty,) = connector.catch_up(Answers({}), 0, page.checkpoint)

    assert [event.op for event in page.events] == [
        EventOp.UPSERT,
        EventOp.SIGNAL,
        EventOp.DELETE,
        EventOp.DELETE,
    ]
    assert page.events[2] == only(connector, stored)
    assert page.events[3].delivery_id.startswith("stored:")
    assert api.asked[0].params["dateFrom"] == "2025-12-31"
    assert "REGISTER" in api.asked[1].params["type"]
    assert (list(empty.events), empty.last) == ([], True)
