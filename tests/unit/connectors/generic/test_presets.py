"""Presets: every sample is proven, read, and means the same in every order of arrival."""

from __future__ import annotations

import random
from collections import defaultdict
from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unkey_sync import facts
from unkey_sync_connectors.base import Delivery, Unusable
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind
from unkey_sync_connectors.generic.presets import known_presets, load_samples

from tests.unit.connectors.generic.support import NOW, SECRET, Signer, generic, only, rejection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync_connectors.generic import Generic

ENDED = {
    "lemon-squeezy": (Kind.SUBSCRIPTION, "ended"),
    "chargebee": (Kind.SUBSCRIPTION, None),
    "orb": (Kind.SUBSCRIPTION, "ended"),
    "revenuecat": (Kind.SUBSCRIPTION, "ended"),
    "kinde": (Kind.USER, None),
    "stytch": (Kind.USER, None),
    "zitadel": (Kind.USER, None),
    "fusionauth": (Kind.USER, None),
    "ory": (Kind.USER, None),
    "better-auth": (Kind.USER, None),
    "standard-webhooks": (Kind.USER, None),
    "cloudevents": (Kind.USER, None),
}
"""What the story in a preset's samples ends with: the status of its subscription, or None for a deletion."""

SECRETS = {"chargebee": "unkey:pa55"}
KEY = Signer("RS256")


def source(preset: str, **changes: Any) -> Generic:
    options: dict[str, Any] = {"preset": preset}
    if preset == "kinde":
        options |= {"verify": {"jwks": {"keys": [KEY.jwk]}}}
    keys = frozenset({"org_id", "user_id"})
    settings = {"name": preset, "metadata_keys": keys, "orders": True, **changes}
    return generic(options, SECRETS.get(preset, SECRET), **settings)


def deliver(connector: Generic, payload: object) -> Delivery:
    if connector.config.name == "kinde":
        return Delivery(KEY.token(dict(payload)).encode(), {"content-type": "application/jwt"})  # type: ignore[call-overload]
    body = orjson.dumps(payload)
    return Delivery(body, connector.sign(body, NOW))


@cache
def story(preset: str) -> list[Event]:
    """Every event of the preset's samples."""
    connector = source(preset)
    return [
        event
        for payload in connector.samples().values()
        for event in connector.parse(deliver(connector, payload))
        if event.entity is not None
    ]


def registers(said: Sequence[Event]) -> dict[Entity, facts.Register]:
    found: dict[Entity, list[facts.Register]] = defaultdict(list)
    for event in said:
        assert event.entity is not None
        found[event.entity].append(facts.from_event(event, f"{event.delivery_id}{event.type}"))
    return {entity: facts.join_all(known) for entity, known in found.items()}


def test_every_preset_has_its_place_in_these_tests():
    assert sorted(ENDED) == list(known_presets())


@pytest.mark.parametrize("preset", known_presets())
def test_every_sample_is_proven_and_is_of_the_type_it_is_named_after(preset: str):
    connector = source(preset)

    assert len(connector.samples()) >= 3
    for name, payload in connector.samples().items():
        delivery = deliver(connector, payload)

        assert rejection(connector, delivery.body, delivery.headers) is None
        assert rejection(connector, delivery.body + b" x", {}) is not None
        for event in connector.parse(delivery):
            assert (event.type, event.source) == (name, preset)
            assert event.op is EventOp.IGNORE or event.version > 1_700_000_000_000_000


@pytest.mark.parametrize("preset", known_presets())
def test_nothing_personal_is_kept(preset: str):
    kept = orjson.dumps([event.body for event in story(preset)])

    assert b"@" not in kept
    assert b"Lovelace" not in kept


@pytest.mark.parametrize("preset", known_presets())
@settings(max_examples=25)
@given(chance=st.randoms(use_true_random=False))
def test_every_order_and_repetition_ends_in_the_same_facts(preset: str, chance: random.Random):
    said = story(preset)
    expected = registers(said)
    repeated = [*said, *chance.choices(said, k=3)]
    chance.shuffle(repeated)

    assert registers(repeated) == expected


@pytest.mark.parametrize("preset", known_presets())
def test_the_end_of_the_story_holds_in_every_order(preset: str):
    kind, status = ENDED[preset]
    said = [event for event in story(preset) if event.entity and event.entity.kind is kind]
    assert len(said) >= 3

    for order in permutations(said):
        (register,) = registers(order).values()

        assert register.deleted == (status is None)
        assert register.body.get("status") == status


@pytest.mark.parametrize("preset", known_presets())
def test_billing_presets_name_no_people_and_auth_presets_do(preset: str):
    connector = source(preset)
    kinds = {event.entity.kind for event in story(preset) if event.entity}

    assert connector.auth == bool(kinds & {Kind.USER, Kind.ORGANIZATION, Kind.MEMBERSHIP})


def test_a_users_own_tables_lie_on_top_of_a_preset():
    options = {
        "preset": "lemon-squeezy",
        "verify": {"header": "x-copy"},
        "envelope": {"id": "meta.webhook_id"},
        "rules": {
            "subscription": {"body": {"external_ref": "meta.custom_data.account"}},
            "payment": {"types": []},
            "order": {"types": ["order_created"], "entity": "customer", "id": "data.attributes.customer_id"},
        },
    }
    payload = orjson.loads(orjson.dumps(load_samples("lemon-squeezy")["subscription_created"]))
    payload["meta"] |= {"webhook_id": "wh_1", "custom_data": {"account": "acc_7"}}

    event = only(options, payload)

    assert (event.delivery_id, event.body["external_ref"]) == ("wh_1", "acc_7")
    assert event.body["items"][0]["price"] == "502"
    assert "x-copy" in generic(options).sign(b"{}", NOW)


def test_another_kind_of_proof_replaces_the_presets_whole():
    options = {"preset": "lemon-squeezy", "verify": {"kind": "bearer"}}

    assert generic(options, "token").sign(b"{}", NOW) == {"authorization": "Bearer token"}


@pytest.mark.parametrize(
    ("event_type", "changes", "status"),
    [
        ("CANCELLATION", {"cancel_reason": "UNSUBSCRIBE"}, "canceled"),
        ("CANCELLATION", {"cancel_reason": "BILLING_ERROR"}, "past_due"),
        ("UNCANCELLATION", {"period_type": "TRIAL"}, "trialing"),
        ("SUBSCRIPTION_PAUSED", {}, "canceled"),
        ("INITIAL_PURCHASE", {"original_transaction_id": None}, "active"),
    ],
)
def test_revenuecat_tells_the_status_by_the_events_name(event_type: str, changes: Any, status: str):
    payload = orjson.loads(orjson.dumps(load_samples("revenuecat")["RENEWAL"]))
    payload["event"] |= {"type": event_type, **changes}
    connector = source("revenuecat")

    subscription, customer = connector.parse(deliver(connector, payload))

    assert subscription.body["status"] == status
    assert customer.entity == Entity(Kind.CUSTOMER, "user_ada")


@pytest.mark.parametrize("event_type", ["PRODUCT_CHANGE", "TRANSFER", "TEST"])
def test_revenuecats_announcements_change_nothing(event_type: str):
    connector = source("revenuecat")
    payload = {"event": {"id": "e", "type": event_type, "event_timestamp_ms": 1_767_225_600_000}}

    (event,) = connector.parse(deliver(connector, payload))

    assert event.op is EventOp.IGNORE


def lemon_order(**changes: Any) -> Any:
    payload = orjson.loads(orjson.dumps(load_samples("lemon-squeezy")["order_created"]))
    payload["data"]["attributes"] |= changes
    return payload


@pytest.mark.parametrize(
    ("vendor", "ours"),
    [
        ("paid", "paid"),
        ("partial_refund", "paid"),
        ("pending", "pending"),
        ("failed", "pending"),
        ("refunded", "refunded"),
        ("fraudulent", "refunded"),
    ],
)
def test_an_order_of_lemon_squeezy_is_a_purchase(vendor: str, ours: str):
    connector = source("lemon-squeezy")

    (event,) = connector.parse(deliver(connector, lemon_order(status=vendor)))

    assert (event.op, event.entity) == (EventOp.UPSERT, Entity(Kind.ORDER, "7002"))
    assert event.owner == Entity(Kind.CUSTOMER, "9001")
    assert event.body == {
        "status": ours,
        "items": [{"product": "303", "price": "505", "lookup_key": None, "quantity": 2}],
        "external_ref": "user_ada",
        "metadata": {"user_id": "user_ada"},
    }


def test_an_order_of_an_unknown_status_is_parked():
    connector = source("lemon-squeezy")

    with pytest.raises(Unusable, match=r"purchase.body.status"):
        connector.parse(deliver(connector, lemon_order(status="shipped")))


@pytest.mark.parametrize("status", ["paid", "shipped"])
def test_orders_are_ignored_where_nobody_sells_credits(status: str):
    connector = source("lemon-squeezy", orders=False)

    (event,) = connector.parse(deliver(connector, lemon_order(status=status)))

    assert (event.op, event.entity) == (EventOp.IGNORE, None)


def test_a_refunded_order_stays_refunded_in_every_order():
    said = [event for event in story("lemon-squeezy") if event.entity and event.entity.kind is Kind.ORDER]
    assert [event.body["status"] for event in said] == ["paid", "refunded"]

    for order in permutations(said):
        assert [one.body["status"] for one in registers(order).values()] == ["refunded"]
