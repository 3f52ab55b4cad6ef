"""What each auth source must pass on its way from a webhook to Unkey, whatever its vendor does on the way."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from structlog.testing import capture_logs
from unkey_sync.errors import Retry
from unkey_sync.ledger.tables import metadata
from unkey_sync.seal import Sealer
from unkey_sync_connectors.base import Delivery

from tests.contract.sources.desk import Desk
from tests.unit.connectors.natives import HOOK_SECRET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync.intake import Intake, Receipt
    from unkey_sync.ledger.store import Ledger

AUTH = ("auth0", "clerk", "keycloak", "okta", "supabase", "workos")
ANY_EVENT = {
    "auth0": "user.created",
    "clerk": "user.created",
    "keycloak": "admin.USER-CREATE",
    "okta": "group.user_membership.add",
    "supabase": "INSERT",
    "workos": "user.created",
}
SECRET_COLUMNS = ("madeUpHash", "made-up-confirmation", "made-up-recovery", "example.com", "mine")
ADA_SUPABASE = "8d0fd2b3-9ca7-4d9e-a95f-9e13dded323e"
ADA_KEYCLOAK = "f1d2d2f9-24e9-4ac6-b86f-000000000001"


class DownDesk(Desk):
    """Its database is away."""

    def accept(self, intakes: Sequence[Intake]) -> Sequence[Receipt]:
        raise Retry("away")


def rows(ledger: Ledger, name: str) -> list[dict[str, Any]]:
    with ledger.engine.connect() as connection:
        return [dict(row) for row in connection.execute(metadata.tables[name].select()).mappings()]


def user_of(payload: dict[str, Any]) -> str:
    """The id of the user in a delivery of Clerk's, WorkOS's or Auth0's."""
    data = payload["data"].get("object", payload["data"])
    data = payload["data"] if isinstance(data, str) else data
    return str(data.get("user_id") or data["id"])


# All of them


@pytest.mark.parametrize("kind", AUTH)
def test_while_the_database_is_down_the_sender_is_told_to_come_again(ledger: Ledger, kind: str) -> None:
    desk = DownDesk(ledger, kind)

    answer = desk.post(desk.payload(ANY_EVENT[kind]))

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("kind", AUTH)
@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b""])
def test_what_is_no_event_is_a_clean_400_and_leaves_no_trace(ledger: Ledger, kind: str, body: bytes) -> None:
    assert Desk(ledger, kind).post(body).status == 400

    assert rows(ledger, "events") == []


@pytest.mark.parametrize("kind", AUTH)
def test_the_same_delivery_again_has_no_second_effect(ledger: Ledger, kind: str) -> None:
    desk = Desk(ledger, kind)
    payload = desk.payload(ANY_EVENT[kind])
    body = orjson.dumps(payload)
    headers = desk.connector.sign(body, desk.house.clock.now())

    first, again = desk.post(body, headers), desk.post(body, headers)

    assert first.status == again.status
    assert 200 <= first.status < 300
    assert len(rows(ledger, "events")) == len(desk.connector.parse(Delivery(body, headers)))


@pytest.mark.parametrize("kind", ["clerk", "workos", "auth0"])
def test_a_user_who_was_deleted_stays_so_when_an_update_comes_late(ledger: Ledger, kind: str) -> None:
    desk = Desk(ledger, kind)
    created, updated, deleted = (desk.payload(f"user.{what}") for what in ("created", "updated", "deleted"))
    user_id = user_of(created)
    desk.post(created)
    desk.house.settle()
    key = desk.key_of(user_id)

    desk.post(deleted)
    desk.post(updated)
    desk.house.settle()

    assert desk.verdict(key) == "DISABLED"


# Clerk


def test_a_membership_that_comes_before_its_user_is_kept_for_it(ledger: Ledger) -> None:
    desk = Desk(ledger, "clerk")
    membership = desk.payload("organizationMembership.created")
    user = desk.payload("user.created")
    user["data"]["id"] = membership["data"]["public_user_data"]["user_id"]

    desk.post(membership)
    desk.house.settle()
    before = desk.house.identity(user["data"]["id"])
    desk.post(user)
    desk.house.settle()

    assert before is None
    assert desk.house.identity(user["data"]["id"]) is not None
    assert {row["state"] for row in rows(ledger, "events")} == {"applied"}


# Supabase


def test_no_secret_column_of_a_row_is_kept_anywhere(ledger: Ledger) -> None:
    desk = Desk(ledger, "supabase")
    sent = desk.payload("UPDATE")
    unreadable = {**sent, "record": {**sent["record"], "updated_at": None}}

    with capture_logs() as lines:
        answers = [desk.post(one) for one in (sent, unreadable, desk.payload("after-user-created"))]
        desk.house.settle()

    assert [answer.status for answer in answers] == [204, 204, 204]
    opened = [
        Sealer([b"k" * 32]).open(row["sealed"], row["event_id"]) for row in rows(ledger, "event_bodies")
    ]
    assert len(opened) == 3
    stored = repr([rows(ledger, name) for name in metadata.tables]) + repr(opened) + repr(lines)
    for word in SECRET_COLUMNS:
        assert word not in stored


@pytest.mark.parametrize("event_type", ["INSERT", "UPDATE", "DELETE", "after-user-created"])
def test_what_is_kept_of_a_row_says_the_same_when_it_is_read_again(ledger: Ledger, event_type: str) -> None:
    desk = Desk(ledger, "supabase")
    body = orjson.dumps(desk.payload(event_type))
    kept = desk.connector.kept(Delivery(body))  # type: ignore[attr-defined]

    (first,), (again,) = (desk.connector.parse(Delivery(one)) for one in (body, kept))

    assert (again.op, again.entity, again.version, again.body) == (
        first.op,
        first.entity,
        first.version,
        first.body,
    )


def test_a_second_attempt_of_a_hook_under_another_webhook_id_is_one_event(ledger: Ledger) -> None:
    desk = Desk(ledger, "supabase", {"secrets": (f"v1,{HOOK_SECRET}",)})
    body = orjson.dumps(desk.payload("after-user-created"))
    attempts = []
    for _ in range(2):
        attempts.append(desk.connector.sign(body, desk.house.clock.now()))
        desk.house.clock.advance(2)

    answers = [desk.post(body, headers) for headers in attempts]

    assert attempts[0]["webhook-id"] != attempts[1]["webhook-id"]
    assert [(one.status, one.body) for one in answers] == [(204, b""), (204, b"")]
    assert len(rows(ledger, "events")) == 1


def test_a_sign_up_is_answered_in_time(ledger: Ledger) -> None:
    desk = Desk(ledger, "supabase")
    body = desk.payload("after-user-created")
    bodies = [{**body, "metadata": {**body["metadata"], "uuid": f"uuid-{number}"}} for number in range(30)]
    spent = []
    for one in bodies:
        began = perf_counter()
        assert desk.post(one).status == 204
        spent.append(perf_counter() - began)

    assert median(spent) < 0.3


def test_both_doors_telling_of_one_creation_make_one_identity(ledger: Ledger) -> None:
    desk = Desk(ledger, "supabase")

    desk.post(desk.payload("INSERT"))
    desk.post(desk.payload("after-user-created"))
    desk.house.settle()

    assert desk.house.identity(ADA_SUPABASE) is not None
    assert desk.house.transport.mutations.count("identities.createIdentity") == 1


def test_a_sign_in_that_changes_nothing_else_calls_nobody(ledger: Ledger) -> None:
    desk = Desk(ledger, "supabase")
    desk.post(desk.payload("INSERT"))
    desk.house.settle()
    calls = len(desk.house.transport.calls)
    signed_in = desk.payload("UPDATE")
    signed_in["record"] |= {"banned_until": None, "last_sign_in_at": "2026-01-01T00:01:00+00:00"}

    desk.post(signed_in)
    desk.house.settle()

    assert len(desk.house.transport.calls) == calls


def test_a_soft_delete_takes_the_keys_away(ledger: Ledger) -> None:
    desk = Desk(ledger, "supabase")
    desk.post(desk.payload("INSERT"))
    desk.house.settle()
    key = desk.key_of(ADA_SUPABASE)
    gone = desk.payload("UPDATE")
    gone["record"] |= {"banned_until": None, "deleted_at": "2026-01-01T00:01:00+00:00"}

    desk.post(gone)
    desk.house.settle()

    assert desk.verdict(key) == "DISABLED"


# Okta


def batch(desk: Desk, *uuids: str) -> dict[str, Any]:
    """For each uuid, another user joins a group."""
    found = desk.payload("group.user_membership.add")
    (row,) = found["data"]["events"]
    group = next(one for one in row["target"] if one["type"] == "UserGroup")
    found["data"]["events"] = [
        {**row, "uuid": uuid, "target": [group, {"type": "User", "id": f"user-{uuid}"}]} for uuid in uuids
    ]
    return found


def test_an_event_that_comes_in_two_batches_is_one(ledger: Ledger) -> None:
    desk = Desk(ledger, "okta")

    answers = desk.post_all([batch(desk, "a", "b", "c"), batch(desk, "c", "d")])

    assert [(one.status, one.body) for one in answers] == [(200, b""), (200, b"")]
    assert sorted(row["delivery_id"] for row in rows(ledger, "events")) == ["a", "b", "c", "d"]


def test_500_events_in_one_batch_are_answered_in_time(ledger: Ledger) -> None:
    desk = Desk(ledger, "okta")
    spent = []
    for turn in range(5):
        found = batch(desk, *(f"{turn}-{number}" for number in range(500)))
        began = perf_counter()
        assert desk.post(found).status == 200
        spent.append(perf_counter() - began)

    assert median(spent) < 0.3


# Keycloak


def test_a_registration_and_a_console_creation_of_one_user_make_one_identity(ledger: Ledger) -> None:
    desk = Desk(ledger, "keycloak")
    desk.world.routes[f"/admin/realms/acme/users/{ADA_KEYCLOAK}"] = lambda _: {
        "id": ADA_KEYCLOAK,
        "enabled": True,
    }

    for event_type in ("access.REGISTER", "admin.USER-CREATE"):
        desk.post(desk.payload(event_type))
    desk.house.settle()

    assert desk.house.identity(ADA_KEYCLOAK) is not None
    assert desk.house.transport.mutations.count("identities.createIdentity") == 1
