"""Rules: which of them apply, what they say, and which mistakes are told at start-up."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from unkey_sync_connectors.base import ConfigProblem, Delivery, Malformed, Unusable
from unkey_sync_connectors.event import Entity, EventOp, Kind

from tests.unit.connectors.generic.support import FakeApi, generic, only, problem, read

SECOND = 1_000_000
AT = "2026-01-01T00:00:00.5Z"
US = 1_767_225_600_500_000
SUBSCRIPTION = {
    "types": ["sub.*"],
    "entity": "subscription",
    "id": "data.id",
    "owner": {"id": "data.customer"},
    "body": {"status": "data.status"},
}


def document(event_type: str, at: object = AT, **data: Any) -> dict[str, Any]:
    return {"type": event_type, "timestamp": at, "data": {"id": "user_1", **data}}


def rules(**tables: dict[str, Any]) -> dict[str, Any]:
    return {"rules": tables}


def rule(**changes: Any) -> dict[str, Any]:
    return rules(one={"types": ["*"], "entity": "user", "id": "data.id", **changes})


def why(options: dict[str, Any], written: object) -> str:
    with pytest.raises(Unusable) as caught:
        read(options, written)
    return caught.value.reason


def test_an_event_says_what_its_rule_says():
    event = only(rule(body={"blocked": "data.banned"}), document("user.updated", banned=True))

    assert (event.source, event.type, event.op) == ("shop", "user.updated", EventOp.UPSERT)
    assert event.entity == Entity(Kind.USER, "user_1")
    assert (event.occurred_at, event.version, event.resolution, event.rank) == (US, US, 100_000, 1)
    assert event.body == {"external_ref": None, "blocked": "banned", "metadata": {}}
    assert not event.terminal


def test_the_full_name_wins_over_a_prefix_and_a_longer_prefix_over_a_shorter():
    tables = rules(
        all={"types": ["*"], "entity": "user", "id": "data.id"},
        users={"types": ["user.*"], "entity": "customer", "id": "data.id"},
        gone={"types": ["user.deleted"], "op": "delete", "entity": "user", "id": "data.id"},
    )

    kinds = [only(tables, document(name)).entity for name in ("other", "user.updated", "user.deleted")]

    assert [entity and entity.kind for entity in kinds] == [Kind.USER, Kind.CUSTOMER, Kind.USER]
    assert only(tables, document("user.deleted")).op is EventOp.DELETE


def test_two_rules_for_one_type_make_two_statements_of_one_delivery():
    tables = rules(
        user={"types": ["user.*"], "entity": "user", "id": "data.id"},
        member={"types": ["user.*"], "entity": "membership", "organization": "data.org", "user": "data.id"},
    )

    user, member = read(tables, document("user.created", org="org_1"))

    assert user.delivery_id == member.delivery_id
    assert member.entity == Entity(Kind.MEMBERSHIP, "org_1:user_1")
    assert (member.owner, member.member) == (Entity(Kind.ORGANIZATION, "org_1"), Entity(Kind.USER, "user_1"))
    assert member.body == {"organization": "org_1", "user": "user_1", "role": None, "permissions": []}


def test_an_event_that_no_rule_means_is_ignored_even_without_a_time():
    event = only(rules(user={"types": ["user.*"], "entity": "user", "id": "data.id"}), {"type": "order.paid"})

    assert (event.op, event.entity, event.type) == (EventOp.IGNORE, None, "order.paid")


@pytest.mark.parametrize("off", [{"op": "ignore"}, {"types": []}])
def test_a_rule_can_be_switched_off(off: dict[str, Any]):
    table = {"types": ["*"], **off} if "op" in off else {"entity": "user", "id": "data.id", **off}

    assert only(rules(one=table), document("user.created")).op is EventOp.IGNORE


def test_a_rule_with_a_condition_that_does_not_hold_says_nothing():
    options = rule(when={"equals": "data.live", "to": True})

    assert only(options, document("user.created", live=False)).op is EventOp.IGNORE
    assert only(options, document("user.created", live=True)).op is EventOp.UPSERT


def test_one_statement_is_made_for_every_element_of_a_list():
    options = rules(
        one={
            "types": ["*"],
            "entity": "membership",
            "for_each": "data.orgs",
            "organization": "@item.code",
            "user": "data.id",
            "body": {"role": "@item.role", "permissions": "data.permissions"},
        }
    )

    found = read(
        options, document("x", orgs=[{"code": "a", "role": "admin"}, {"code": "b"}], permissions="read")
    )

    assert [event.body["organization"] for event in found] == ["a", "b"]
    assert found[0].body["role"] == "admin"
    assert found[1].body["permissions"] == ["read"]


def test_two_memberships_never_share_a_name():
    options = rules(one={"types": ["*"], "entity": "membership", "organization": "data.o", "user": "data.u"})

    one = only(options, document("x", o="a:b", u="c")).entity
    other = only(options, document("x", o="a", u="b:c")).entity

    assert one != other


FULL = {
    **SUBSCRIPTION,
    "owner": {"kind": "organization", "id": "data.org"},
    "body": {
        "status": {"map": "data.status", "to": {"on_trial": "trialing"}},
        "trial_end": "data.trial",
        "period_end": {"to_time": "data.until", "unit": "s"},
        "cancel_at_period_end": "data.cancelled",
        "external_ref": "data.ours",
        "metadata": "data.meta",
        "items": [{"product": "data.product", "quantity": "data.seats"}],
    },
}


def test_a_subscription_has_all_its_fields():
    written = document(
        "sub.updated",
        org="org_1",
        status="on_trial",
        trial=1_767_225_600,
        until="1767225600",
        cancelled=True,
        ours=42,
        meta={"org_id": "org_1", "email": "ada@example.com", "user_id": 7},
        product=301,
        seats="3",
    )

    event = only(rules(one=FULL), written, metadata_keys=frozenset({"org_id", "user_id"}))

    assert event.owner == Entity(Kind.ORGANIZATION, "org_1")
    assert event.body == {
        "status": "trialing",
        "items": [{"product": "301", "price": None, "lookup_key": None, "quantity": 3}],
        "trial_end": 1_767_225_600 * SECOND,
        "period_start": None,
        "period_end": 1_767_225_600 * SECOND,
        "cancel_at_period_end": True,
        "cancel_at": None,
        "ended_at": None,
        "external_ref": "42",
        "metadata": {"org_id": "org_1"},
    }


def test_items_come_from_a_list_and_nameless_ones_are_left_out():
    items = {"each": "data.items", "lookup_key": "@item.plan", "quantity": "@item.n"}
    table = {**SUBSCRIPTION, "body": {"status": "data.status", "items": items}}
    rows = [{"plan": "pro", "n": 2}, {"n": 5}, "odd"]

    event = only(rules(one=table), document("sub.x", customer="c", status="active", items=rows))

    assert event.body["items"] == [{"product": None, "price": None, "lookup_key": "pro", "quantity": 2}]


@pytest.mark.parametrize(
    ("entity", "body", "data", "expected"),
    [
        ("checkout", {"client_reference_id": "data.ref"}, {"ref": "org_1"}, "client_reference_id"),
        ("entitlements", {"features": "data.features"}, {"features": ["a", "b"]}, "features"),
    ],
)
def test_other_kinds_have_bodies_too(entity: str, body: Any, data: Any, expected: str):
    options = rule(entity=entity, owner={"id": "data.id"}, body=body)

    event = only(options, document("x", **data))

    assert event.entity == Entity(Kind(entity), "user_1")
    assert event.body[expected] in (data.get("ref"), data.get("features"))


@pytest.mark.parametrize(
    ("event_type", "op", "rank"),
    [("user.created", "upsert", 0), ("user.updated", "upsert", 1), ("user.deleted", "delete", 2)],
)
def test_the_rank_breaks_ties_the_way_things_happen(event_type: str, op: str, rank: int):
    assert only(rule(op=op), document(event_type)).rank == rank


def test_the_end_of_a_subscription_ranks_last_and_can_be_final():
    event = only(
        rules(one={**SUBSCRIPTION, "terminal": True}), document("sub.x", customer="c", status="ended")
    )

    assert (event.rank, event.terminal) == (2, True)


def test_a_delete_told_in_whole_seconds_comes_after_everything_in_its_second():
    gone = only(rule(op="delete"), document("x", at=1_767_225_600))
    late = only(rule(), document("x", at="2026-01-01T00:00:00.9Z"))

    assert gone.version > late.version
    assert gone.body == {}


def test_the_objects_own_version_wins_over_the_events_time():
    event = only(rule(version="data.updated_at"), document("x", updated_at="2025-12-31T00:00:00Z"))

    assert event.version < event.occurred_at == US


def test_without_a_time_of_the_event_the_objects_version_stands_in():
    event = only({**rule(version="data.updated_at"), "envelope": {}}, document("x", updated_at=AT))

    assert (event.version, event.occurred_at) == (US, US)


@pytest.mark.parametrize(
    ("options", "data", "reason"),
    [
        (rule(), {"id": None}, "one.id: data.id is missing"),
        (rule(), {"id": []}, "one.id: data.id is not a text"),
        (rule(), {"id": "x" * 256}, "one.id: data.id is longer than 255 characters"),
        (rule(), {"id": "x" * 5_000}, "one.id: data.id is longer than 4096 characters"),
        (rule(), {"id": "a\0b"}, "one.id: data.id contains NUL"),
        (rule(version="data.v"), {"v": "soon"}, "one.version: data.v is not a timestamp"),
        (rule(body={"blocked": "data.b"}), {"b": "sad"}, "one.body.blocked: data.b is none of banned,"),
        (rule(body={"metadata": "data.m"}), {"m": []}, "one.body.metadata: data.m is not an object"),
        (rule(when="data.w"), {"w": "yes"}, "one.when: data.w is not true or false"),
        (rule(for_each="data.l"), {"l": {}}, "one.for_each: data.l is not a list"),
        (rule(for_each="data.l"), {"l": [1] * 1_001}, "one.for_each: data.l has more than 1000 elements"),
        (rules(one=SUBSCRIPTION), {"status": "active"}, "one.owner.id: data.customer is missing"),
        (rules(one=SUBSCRIPTION), {"customer": "c"}, "one.body.status: data.status is missing"),
        (
            rules(one=SUBSCRIPTION),
            {"customer": "c", "status": "odd"},
            "one.body.status: data.status is none of active,",
        ),
    ],
)
def test_what_cannot_be_understood_is_parked_and_names_field_and_path(options: Any, data: Any, reason: str):
    assert why(options, document("sub.x", **data)).startswith(reason)


def test_an_unusable_event_says_which_delivery_it_is():
    with pytest.raises(Unusable) as caught:
        read(
            {**rule(), "envelope": {"id": "id", "time": "timestamp"}},
            {**document("user.created"), "id": "evt_1", "data": {}},
        )

    assert (caught.value.delivery_id, caught.value.event_type) == ("evt_1", "user.created")


def test_without_any_time_an_event_is_parked():
    assert "neither version nor envelope.time" in why(rule(), {"type": "x", "data": {"id": "u"}})


def test_without_a_type_an_event_is_parked_under_its_id():
    with pytest.raises(Unusable, match=r"envelope.type: type is missing") as caught:
        read({**rule(), "envelope": {"id": "id"}}, {"id": "evt_1"})

    assert caught.value.delivery_id == "evt_1"


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b'{"a":NaN}', b"\xff"])
def test_what_is_no_object_is_malformed(body: bytes):
    with pytest.raises(Malformed):
        generic(rule()).parse(Delivery(body))


def test_a_long_id_of_a_delivery_is_told_by_its_hash():
    options = {**rule(), "envelope": {"id": "id", "time": "timestamp"}}
    ids = [only(options, {**document("x"), "id": "i" * n}).delivery_id for n in (255, 300, 301)]

    assert ids[0] == "i" * 255
    assert ids[1] != ids[2]
    assert all(len(one) <= 255 for one in ids)


def test_a_delivery_without_an_id_is_told_by_its_body():
    one, again = (only(rule(), document("x")).delivery_id for _ in range(2))

    assert one == again != only(rule(), document("y")).delivery_id


def test_another_account_than_the_configured_one_is_parked():
    options = {**rule(), "envelope": {"time": "timestamp", "account": "mode"}}
    written = {**document("x"), "mode": "test"}

    assert only(options, written, account="test").account == "test"
    with pytest.raises(Unusable, match="account is not the configured one"):
        read(options, written, account="live")


@pytest.mark.parametrize(
    ("options", "path", "message"),
    [
        ({"rules": {}}, ("rules",), "is required"),
        ({"rules": []}, ("rules",), "must be a table"),
        ({"rules": {"one": 7}}, ("rules", "one"), "must be a table"),
        (rules(one={"entity": "user", "id": "a"}), ("rules", "one", "types"), "is required"),
        (rule(types=["a*b"]), ("rules", "one", "types"), "with one * at the end"),
        (rule(types=[""]), ("rules", "one", "types"), "with one * at the end"),
        (rule(types=[7]), ("rules", "one", "types"), "must be a list of texts"),
        (rule(op="signal"), ("rules", "one", "op"), "has no API to fetch"),
        (rule(op="upsrt"), ("rules", "one", "op"), "must be one of delete, ignore, upsert"),
        (rule(entity="usr"), ("rules", "one", "entity"), "must be one of checkout"),
        (rule(entity="catalogue"), ("rules", "one", "entity"), "must be one of"),
        (rule(identity="a"), ("rules", "one", "identity"), "unknown key; did you mean"),
        (rule(terminal=1), ("rules", "one", "terminal"), "must be true or false"),
        (rule(id="a b"), ("rules", "one", "id"), "is not a path"),
        (rule(entity="membership"), ("rules", "one", "id"), "unknown key"),
        (rule(entity="subscription"), ("rules", "one", "owner"), "belongs to a customer"),
        (rule(owner={"kind": "shop", "id": "a"}), ("rules", "one", "owner", "kind"), "must be one of"),
        (rule(owner={"id": "a", "x": 1}), ("rules", "one", "owner", "x"), "unknown key"),
        (rule(owner={}), ("rules", "one", "owner", "id"), "is required"),
        (rule(body={"e_mail": "a"}), ("rules", "one", "body", "e_mail"), "unknown key"),
        (
            rule(entity="subscription", owner={"id": "a"}),
            ("rules", "one", "body", "status"),
            "is required",
        ),
        (
            rules(one={**SUBSCRIPTION, "body": {"status": "a", "items": [{"plan": "a"}]}}),
            ("rules", "one", "body", "items", 0, "plan"),
            "unknown key",
        ),
        (
            rules(one={**SUBSCRIPTION, "body": {"status": "a", "items": ["a"]}}),
            ("rules", "one", "body", "items", 0),
            "must be a table",
        ),
        (
            rules(one={**SUBSCRIPTION, "body": {"status": "a", "items": {"price": "a"}}}),
            ("rules", "one", "body", "items", "each"),
            "is required",
        ),
        ({"envelope": {"format": "xml"}}, ("envelope", "format"), "must be one of cloudevents, json, jwt"),
        ({"envelope": {"tpye": "a"}}, ("envelope", "tpye"), "did you mean 'type'?"),
        ({"hooks": {}}, ("hooks",), "unknown key"),
        ({"preset": "lemonsqueezy"}, ("preset",), "must be one of better-auth"),
    ],
)
def test_a_mistake_is_told_at_start_up_with_the_path_of_its_key(options: Any, path: Any, message: str):
    found, told = problem(options)

    assert found == path
    assert message in told


def test_a_source_that_speaks_of_people_is_an_auth_source():
    assert generic(rule()).auth
    assert not generic(rules(one=SUBSCRIPTION)).auth


def test_there_is_nothing_to_fetch_or_list():
    source = generic(rule())

    assert source.api is None
    api, entity = FakeApi(), Entity(Kind.USER, "user_1")
    with pytest.raises(ConfigProblem, match="no API"):
        source.fetch(api, entity, None)
    with pytest.raises(ConfigProblem, match="no API"):
        source.pages(api, None)
    with pytest.raises(ConfigProblem, match="no API"):
        source.catch_up(api, 0, None)
    assert source.samples() == {}
    assert orjson.loads(source.answer().body) == {}
