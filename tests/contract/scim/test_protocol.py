"""Versions, meta, paging, what is announced, errors; and that nothing tells what a person is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from unkey_sync.ledger.tables import event_bodies, events, facts
from unkey_sync.scim.provider import PAGE_LIMIT

from tests.contract.scim.idp import IdentityProvider

if TYPE_CHECKING:
    from unkey_sync.clock import FakeClock
    from unkey_sync.ledger.store import Ledger

CANARY = "canary@example.com"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def test_meta_tells_made_changed_version_and_place(idp: IdentityProvider, clock: FakeClock) -> None:
    user = idp.user("ann")
    made = idp.show(f"Users/{user}")["meta"]
    clock.advance(1)

    changed = idp.put(f"Users/{user}", {"userName": "ann", "title": "x"})
    meta = (changed.body or {})["meta"]

    assert made["resourceType"] == "User"
    assert made["created"] == made["lastModified"] == meta["created"]
    assert meta["lastModified"] > made["lastModified"]
    assert meta["version"] != made["version"]
    assert changed.headers["ETag"] == meta["version"]
    assert meta["location"].endswith(f"/scim/v2/{'Users'}/{user}")


@pytest.mark.parametrize("kind", ["Users", "Groups"])
def test_a_condition_on_the_version_holds_for_every_method(idp: IdentityProvider, kind: str) -> None:
    one = idp.user("ann") if kind == "Users" else idp.group("Sales")
    path, version = f"{kind}/{one}", idp.show(f"{kind}/{one}")["meta"]["version"]
    body = {"userName": "ann", "displayName": "Other"}
    rename = {"op": "replace", "path": "displayName", "value": "Third"}

    stale = [
        idp.put(path, body, if_match='W/"1"'),
        idp.patch(path, rename, if_match='W/"1"'),
        idp.delete(path, if_match='W/"1"'),
    ]
    fresh = idp.put(path, body, if_match=version)
    same = idp.get(path, if_none_match=fresh.headers["ETag"])

    assert [one.status for one in stale] == [412] * 3
    assert (fresh.status, same.status, same.body) == (200, 304, None)


@pytest.mark.parametrize(
    ("query", "start", "shown"),
    [
        ("startIndex=1&count=2", 1, 2),
        ("startIndex=0&count=2", 1, 2),
        ("startIndex=-7&count=2", 1, 2),
        ("startIndex=5&count=2", 5, 1),
        ("startIndex=6", 6, 0),
        ("count=0", 1, 0),
        ("count=-1", 1, 0),
        ("", 1, 5),
        (f"filter={quote('userName pr')}&startIndex=4&count=5", 4, 2),
    ],
)
def test_paging(idp: IdentityProvider, query: str, start: int, shown: int) -> None:
    for number in range(5):
        idp.user(f"user{number}")

    page = idp.show(f"/Users?{query}")

    assert page["totalResults"] == 5
    assert page["startIndex"] == start
    assert page["itemsPerPage"] == len(page.get("Resources", [])) == shown


def test_no_page_is_longer_than_announced(idp: IdentityProvider) -> None:
    idp.crowd(PAGE_LIMIT + 1)

    page = idp.show("/Users?count=100000")

    assert idp.show("/ServiceProviderConfig")["filter"]["maxResults"] == PAGE_LIMIT
    assert (page["totalResults"], page["itemsPerPage"]) == (PAGE_LIMIT + 1, PAGE_LIMIT)


def test_what_is_not_spoken_is_announced_and_refused_as_such(idp: IdentityProvider) -> None:
    config = idp.show("/ServiceProviderConfig")

    assert {name: config[name]["supported"] for name in _SPOKEN} == _SPOKEN
    assert [one["type"] for one in config["authenticationSchemes"]] == ["oauthbearertoken"]
    assert idp.get("/Users?sortBy=userName").status == 501
    assert idp.get("/Me").status == 501
    assert idp.post("/.search", {"filter": 'userName eq "a"'}).status == 501


_SPOKEN = {
    "patch": True,
    "bulk": True,
    "filter": True,
    "etag": True,
    "sort": False,
    "changePassword": False,
}


@pytest.mark.parametrize(
    ("asked", "status", "scim_type"),
    [
        (("GET", "/Users?filter=userName%20xx", None), 400, "invalidFilter"),
        (("GET", "/Users?filter=nope%20eq%20%22a%22", None), 400, "invalidFilter"),
        (("POST", "/Users", {"userName": ""}), 400, "invalidValue"),
        (("POST", "/Users", {"userName": "TAKEN"}), 409, "uniqueness"),
        (("POST", "/Groups", {"displayName": "sales"}), 409, "uniqueness"),
        (("POST", "/Users", []), 400, "invalidSyntax"),
        (("PATCH", "Users/{id}", [{"op": "replace", "path": "id", "value": "x"}]), 400, "mutability"),
        (("PATCH", "Users/{id}", [{"op": "remove"}]), 400, "noTarget"),
        (("PATCH", "Users/{id}", [{"op": "replace", "path": "a b", "value": 1}]), 400, "invalidPath"),
        (("PATCH", "Groups/{id}", [{"op": "add", "path": "members"}]), 400, "invalidValue"),
        (("GET", "Users/unknown", None), 404, None),
        (("DELETE", "/Groups/unknown", None), 404, None),
        (("GET", "/Nothing", None), 404, None),
        (("PUT", "/Users", {"userName": "x"}), 405, None),
    ],
)
def test_errors_have_the_form_and_type_of_the_rfc(
    idp: IdentityProvider, asked: tuple[str, str, Any], status: int, scim_type: str | None
) -> None:
    method, path, body = asked
    ids = {"Users": idp.user("taken"), "Groups": idp.group("Sales")}
    sent = {"Operations": body} if method == "PATCH" else body
    where = path.replace("{id}", ids.get(path.split("/")[0], ""))

    answer = idp.ask(method, where, sent)

    said = answer.body or {}
    assert (answer.status, said["status"], said.get("scimType")) == (status, str(status), scim_type)
    assert said["schemas"] == [ERROR]
    assert answer.headers["Content-Type"] == "application/scim+json"


def _faulty(user: str, group: str) -> list[tuple[str, str, Any]]:
    """Requests that fail, each with a person's address where something else belongs."""
    users, one = "/Users", f"/{'Users'}/{user}"
    return [
        ("POST", users, {"userName": CANARY, "emails": CANARY}),
        ("POST", users, {"userName": CANARY, "active": CANARY}),
        ("POST", users, {"userName": {"x": CANARY}}),
        ("POST", users, {"userName": "x", "emails": [{"value": CANARY, "primary": CANARY}]}),
        ("POST", users, {"userName": "ann", "nickName": CANARY}),
        ("POST", users, [CANARY]),
        ("POST", users, CANARY),
        ("POST", users, {"userName": CANARY, "nickName": "a\u0000b", "emails": [{"value": "no address"}]}),
        ("GET", f"{users}?filter=" + quote(f"userName eq {CANARY}"), None),
        ("GET", f"{users}?filter=" + quote(f'nope eq "{CANARY}"'), None),
        ("GET", f"{users}?filter=" + quote(f'active gt "{CANARY}"'), None),
        ("GET", f"{users}?startIndex={CANARY}", None),
        ("GET", f"{users}?attributes={CANARY}", None),
        ("GET", f"{users}/{CANARY}", None),
        ("GET", f"/{CANARY}", None),
        ("GET", f"/Schemas/{CANARY}", None),
        ("PUT", one, {"userName": CANARY, "active": CANARY}),
        ("PATCH", one, {"Operations": [{"op": CANARY, "value": {"active": False}}]}),
        ("PATCH", one, {"Operations": [{"op": "replace", "path": CANARY, "value": CANARY}]}),
        ("PATCH", one, {"Operations": [{"op": "replace", "path": "active", "value": CANARY}]}),
        ("PATCH", one, {"Operations": [{"op": "add", "value": {"emails": CANARY}}]}),
        (
            "PATCH",
            one,
            {"Operations": [{"op": "add", "path": f'emails[value eq "{CANARY}"].primary', "value": CANARY}]},
        ),
        ("POST", "/Groups", {"displayName": "x", "members": [{"value": CANARY}]}),
        ("PATCH", f"/Groups/{group}", {"Operations": [{"op": "add", "path": "members", "value": [CANARY]}]}),
        ("POST", "/Bulk", {"Operations": [{"method": "POST", "path": users, "data": {"userName": CANARY}}]}),
        ("POST", "/Bulk", {"Operations": [{"method": CANARY, "path": users, "bulkId": "b"}]}),
        ("POST", "/Bulk", {"Operations": CANARY}),
    ]


def test_no_error_or_log_line_repeats_what_it_was_sent(
    idp: IdentityProvider, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    user, group = idp.user("ann"), idp.group("Sales")

    answers = [idp.ask(*request) for request in _faulty(user, group)]

    told = [f"{answer.body}{answer.headers}" for answer in answers]
    printed = capfd.readouterr()
    assert [one for one in told if "canary" in one.lower()] == []
    assert all(
        answer.status >= 400 or "'status': '400'" in text for answer, text in zip(answers, told, strict=True)
    )
    assert "canary" not in f"{printed.out}{printed.err}{caplog.text}".lower()


def test_events_and_facts_hold_no_person(idp: IdentityProvider, ledger: Ledger) -> None:
    mails = [{"type": "work", "value": CANARY}]
    ann = idp.user(CANARY, displayName="Canary Bird", emails=mails, externalId=CANARY)
    idp.post("/Groups", {"displayName": "Sales", "members": [{"value": ann, "display": "Canary Bird"}]})
    idp.patch(f"Users/{ann}", {"op": "replace", "value": {"active": "False", "title": "canary"}})

    with ledger.engine.connect() as connection:
        kept = [
            repr(row)
            for table in (events, facts, event_bodies)
            for row in connection.execute(sa.select(table))
        ]

    assert len(kept) > 6
    assert "canary" not in "".join(kept).lower()
