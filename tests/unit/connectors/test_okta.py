"""Okta: what its log events mean, and what its API shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from unkey_sync_connectors.base import Challenged, Delivery, Unusable
from unkey_sync_connectors.event import Entity, EventOp, Kind

from tests.unit.connectors.natives import Answers, native, payload
from tests.unit.connectors.support import NOW, only, read
from tests.unit.connectors.test_natives_order import known_after

if TYPE_CHECKING:
    from collections.abc import Mapping

USER = Entity(Kind.USER, "00u1demo000000000001")
GROUP = Entity(Kind.ORGANIZATION, "00g1demoAcme00000001")
MEMBERSHIP = Entity(Kind.MEMBERSHIP, f"{GROUP.id}:{USER.id}")


def inner(event_type: str, **changes: Any) -> dict[str, Any]:
    return {**payload("okta", event_type)["data"]["events"][0], **changes}


def batch(*events: dict[str, Any]) -> dict[str, Any]:
    return {**payload("okta", "user.lifecycle.create"), "data": {"events": list(events)}}


def profile(status: str = "ACTIVE", **changes: Any) -> dict[str, Any]:
    found = {"id": USER.id, "status": status, "lastUpdated": "2026-01-01T00:02:00.000Z"}
    return {**found, "profile": {"login": "ada@example.com", "org_id": "org_acme"}, **changes}


def test_a_batch_of_three_gives_three_deliveries_and_one_of_them_may_come_again():
    three = [
        inner(name)
        for name in ("user.lifecycle.create", "group.lifecycle.create", "group.user_membership.add")
    ]
    again = batch(three[0], inner("user.lifecycle.activate"))

    first, second = read(native("okta"), batch(*three)), read(native("okta"), again)

    assert [event.entity for event in first] == [USER, GROUP, MEMBERSHIP]
    assert len({event.delivery_id for event in first}) == 3
    assert second[0] == first[0]


@pytest.mark.parametrize("result", ["FAILURE", "SKIPPED", None])
def test_what_did_not_succeed_is_ignored(result: str | None):
    event = only(native("okta"), batch(inner("user.lifecycle.deactivate", outcome={"result": result})))

    assert (event.op, event.type) == (EventOp.IGNORE, "user.lifecycle.deactivate")


@pytest.mark.parametrize(("what", "word"), [("suspend", "banned"), ("deactivate", "deprovisioned")])
def test_a_suspended_user_is_blocked_at_once_and_then_fetched(what: str, word: str):
    told = read(native("okta"), payload("okta", f"user.lifecycle.{what}"))

    known = known_after([told])[USER]

    assert [event.op for event in told] == [EventOp.UPSERT, EventOp.SIGNAL]
    assert (known.body["blocked"], known.doubt) == (word, True)


@pytest.mark.parametrize(
    "what", ["lifecycle.create", "lifecycle.activate", "lifecycle.unsuspend", "account.update_profile"]
)
def test_other_changes_of_a_user_make_it_be_fetched(what: str):
    event = only(native("okta"), payload("okta", f"user.{what}"))

    assert (event.op, event.entity) == (EventOp.SIGNAL, USER)


def test_targets_are_told_apart_by_type_and_never_by_place():
    add, remove = (
        only(native("okta"), payload("okta", f"group.user_membership.{what}")) for what in ("add", "remove")
    )

    assert (add.entity, add.owner, add.member) == (MEMBERSHIP, GROUP, USER)
    assert (remove.op, remove.entity) == (EventOp.DELETE, MEMBERSHIP)


@pytest.mark.parametrize("targets", [[], None, [{"id": "1", "type": "User"}, {"id": "2", "type": "User"}]])
def test_an_event_without_its_one_target_is_parked(targets: Any):
    with pytest.raises(Unusable, match="target does not hold one User"):
        read(native("okta"), batch(inner("user.lifecycle.suspend", target=targets)))


def test_an_empty_batch_is_parked():
    with pytest.raises(Unusable, match="empty") as caught:
        read(native("okta"), batch())

    assert caught.value.event_type == "com.okta.event_hook"


def test_another_orgs_events_are_parked():
    with pytest.raises(Unusable, match="source"):
        read(native("okta", account="other.okta.com"), payload("okta", "user.lifecycle.create"))


def test_okta_is_answered_with_nothing():
    answer = native("okta").answer()

    assert (answer.status, answer.body, dict(answer.headers)) == (200, b"", {})


def test_okta_is_the_one_that_asks_a_question_first():
    assert isinstance(native("okta"), Challenged)
    assert not isinstance(native("auth0"), Challenged)


def test_500_inner_events_are_read_in_well_under_the_time_there_is():
    body = orjson.dumps(batch(*(inner("user.lifecycle.suspend", uuid=f"u{n}") for n in range(500))))

    assert len(native("okta").parse(Delivery(body))) == 1_000


@pytest.mark.parametrize(
    ("status", "blocked"),
    [
        ("ACTIVE", None),
        ("STAGED", None),
        ("PROVISIONED", None),
        ("RECOVERY", None),
        ("PASSWORD_EXPIRED", None),
        ("LOCKED_OUT", "locked"),
        ("SUSPENDED", "banned"),
        ("DEPROVISIONED", "deprovisioned"),
    ],
)
def test_a_fetched_user_is_as_its_status_says(status: str, blocked: str | None):
    found = native("okta").fetch(Answers({f"/api/v1/users/{USER.id}": profile(status)}), USER, None)

    assert found.body == {"external_ref": None, "blocked": blocked, "metadata": {"org_id": "org_acme"}}


@pytest.mark.parametrize(
    ("entity", "path", "answer"),
    [
        (GROUP, f"/api/v1/groups/{GROUP.id}", {"id": GROUP.id, "profile": {"name": "Acme Example"}}),
        (MEMBERSHIP, f"/api/v1/users/{USER.id}/groups", [{"id": "00g2"}, {"id": GROUP.id}]),
    ],
)
def test_an_object_is_fetched_by_its_id(entity: Entity, path: str, answer: Any):
    found = native("okta").fetch(Answers({path: answer}), entity, None)
    gone = native("okta").fetch(Answers({}), entity, None)

    assert (found.op, found.entity) == (EventOp.UPSERT, entity)
    assert (gone.op, gone.entity, gone.terminal) == (EventOp.DELETE, entity, False)
    assert (found.owner, found.member) == (gone.owner, gone.member)


def test_a_user_of_other_groups_only_is_none_of_this_one():
    found = native("okta").fetch(
        Answers({f"/api/v1/users/{USER.id}/groups": [{"id": "00g2"}]}), MEMBERSHIP, None
    )

    assert (found.op, found.owner, found.member) == (EventOp.DELETE, GROUP, USER)


def test_catalogue_entries_are_not_fetched():
    assert native("okta").fetch(Answers({}), Entity(Kind.CATALOGUE, "x"), None).op is EventOp.IGNORE


def links(path: str, params: dict[str, Any]) -> Mapping[str, str]:
    """Two pages of users, as Okta's header says it."""
    if path != "/api/v1/users" or "filter" in params:
        return {"link": f'<https://acme.okta.com{path}>; rel="self"'}
    here = '<https://acme.okta.com/api/v1/users?limit=200>; rel="self"'
    return {
        "link": here if "after" in params else f'{here}, <https://acme.okta.com/x?after=c%201>; rel="next"'
    }


def everything() -> Answers:
    def users(params: dict[str, Any]) -> list[dict[str, Any]]:
        if "filter" in params:
            return [profile("DEPROVISIONED", id="00u3")]
        return [profile(id="00u2") if params.get("after") == "c 1" else profile()]

    answers = {
        "/api/v1/users": users,
        "/api/v1/groups": [{"id": GROUP.id}, {"id": "00g2"}],
        f"/api/v1/groups/{GROUP.id}/users": [profile()],
        "/api/v1/groups/00g2/users": [{"id": 7}],
    }
    return Answers(answers, headers=links)


def test_a_backfill_lists_users_also_deprovisioned_ones_and_groups_with_members():
    whole = list(native("okta").pages(everything(), None))

    assert [[event.entity for event in page.events] for page in whole] == [
        [USER],
        [Entity(Kind.USER, "00u2")],
        [Entity(Kind.USER, "00u3")],
        [GROUP, MEMBERSHIP, Entity(Kind.ORGANIZATION, "00g2")],
    ]
    assert whole[2].events[0].body["blocked"] == "deprovisioned"
    assert whole[3].events[-1].op is EventOp.SIGNAL
    for number, page in enumerate(whole[:-1], start=1):
        assert list(native("okta").pages(everything(), page.checkpoint)) == whole[number:]


def test_the_log_says_the_same_as_the_hook_under_the_same_ids():
    first, second = inner("user.lifecycle.suspend"), inner("group.user_membership.add")
    unclear = inner("user.lifecycle.suspend", target=[])

    def log(params: dict[str, Any]) -> list[dict[str, Any]]:
        return [second, unclear] if "after" in params else [first]

    def next_link(_path: str, params: dict[str, Any]) -> Mapping[str, str]:
        return (
            {} if "after" in params else {"link": '<https://acme.okta.com/api/v1/logs?after=c1>; rel="next"'}
        )

    api = Answers({"/api/v1/logs": log}, headers=next_link)
    connector = native("okta", account="acme-example.okta.com")

    found = list(connector.catch_up(api, NOW, None))
    resumed = list(connector.catch_up(api, NOW, found[0].checkpoint))

    assert list(found[0].events) == list(read(connector, batch(first)))
    assert list(found[1].events) == list(read(connector, batch(second)))
    assert [page.last for page in found] == [False, True]
    assert resumed == found[1:]
    assert api.asked[0].params["since"] == "2025-12-31T23:00:00.000Z"
    assert 'eventType eq "user.lifecycle.suspend" or ' in api.asked[0].params["filter"]
