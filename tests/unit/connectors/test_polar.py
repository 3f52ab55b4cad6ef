"""Polar: what its payloads mean, and what its API shows."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import orjson
import pytest
from unkey_sync_connectors.base import Delivery, Unusable
from unkey_sync_connectors.event import SUBSCRIPTION_STATUSES, Entity, EventOp, Kind

from tests.unit.connectors.natives import Answers, native, payload
from tests.unit.connectors.support import NOW, only, read, signed
from tests.unit.connectors.test_natives_order import known_after

CUSTOMER = Entity(Kind.CUSTOMER, "0b0e4f3a-8d53-4c0c-9a39-5d6d7c000001")
SUBSCRIPTION = Entity(Kind.SUBSCRIPTION, "5f2d9f6e-13de-4d3f-8a43-7a5c1b000001")
GRANT = Entity(Kind.ENTITLEMENTS, "c7a8d9e0-1f22-4b3c-8d4e-5f6a7b000001")
BENEFIT = "b3f4a1c2-7c83-4f5f-9ed8-6a3a42000001"


def changed(event_type: str, **changes: Any) -> dict[str, Any]:
    body = payload("polar", event_type)
    return {**body, "data": {**body["data"], **changes}}


@pytest.mark.parametrize(
    ("vendor", "ours"),
    [
        ("incomplete", "incomplete"),
        ("incomplete_expired", "ended"),
        ("trialing", "trialing"),
        ("active", "active"),
        ("past_due", "past_due"),
        ("unpaid", "past_due"),
        ("paused", "paused"),
        ("canceled", "ended"),
    ],
)
def test_the_status_decides_and_never_the_type(vendor: str, ours: str):
    event = only(native("polar"), changed("subscription.active", status=vendor))

    assert event.body["status"] == ours
    assert ours in SUBSCRIPTION_STATUSES


def test_a_scheduled_cancellation_keeps_access_until_it_is_revoked():
    scheduled = only(native("polar"), payload("polar", "subscription.canceled"))
    revoked = only(native("polar"), payload("polar", "subscription.revoked"))

    assert (scheduled.body["status"], scheduled.body["cancel_at_period_end"]) == ("active", True)
    assert scheduled.body["cancel_at"] == scheduled.body["period_end"]
    assert (revoked.body["status"], revoked.rank) == ("ended", 2)


def test_a_subscription_looks_the_same_in_its_own_event_and_in_its_customers_state():
    own = only(native("polar"), payload("polar", "subscription.updated"))
    _, in_state, _ = read(native("polar"), payload("polar", "customer.state_changed"))

    assert (in_state.entity, in_state.owner, in_state.body) == (own.entity, own.owner, own.body)
    assert own.body["items"][0]["quantity"] == 5


def test_units_count_where_there_are_no_seats():
    event = only(native("polar"), changed("subscription.updated", seats=None, units=12))

    assert event.body["items"][0]["quantity"] == 12


def test_one_purchase_in_all_24_orders_ends_the_same_with_modified_at_null():
    names = ["subscription.created", "subscription.active", "subscription.updated", "customer.state_changed"]
    deliveries = [read(native("polar"), payload("polar", name)) for name in names]

    ends = [known_after(order) for order in permutations(deliveries)]

    assert len(ends) == 24
    assert all(end == ends[0] for end in ends)
    assert ends[0][SUBSCRIPTION].body["status"] == "active"


def test_of_two_grants_of_one_benefit_the_other_outlives_a_revocation():
    second = changed("benefit_grant.created", id="grant-2")
    told = [payload("polar", "benefit_grant.created"), second, payload("polar", "benefit_grant.revoked")]

    known = known_after(read(native("polar"), body) for body in told)

    assert known[GRANT].deleted
    assert known[Entity(Kind.ENTITLEMENTS, "grant-2")].body == {"features": [BENEFIT]}


def test_an_update_may_say_that_a_grant_is_revoked():
    event = only(
        native("polar"),
        {**changed("benefit_grant.created", is_revoked=True), "type": "benefit_grant.updated"},
    )

    assert (event.op, event.entity, event.owner) == (EventOp.DELETE, GRANT, CUSTOMER)


def test_the_delivery_is_named_by_the_header_and_without_it_by_the_body():
    body = orjson.dumps(payload("polar", "customer.created"))
    delivery = signed(native("polar"), body)

    (event,) = native("polar").parse(delivery)
    (again,) = native("polar").parse(Delivery(body, {"webhook-id": "m" * 256}))

    assert event.delivery_id == delivery.headers["webhook-id"]
    assert again.delivery_id.startswith("body:")


@pytest.mark.parametrize("event_type", ["member.created", "order.paid", "checkout.updated", "something.new"])
def test_other_types_are_ignored(event_type: str):
    assert only(native("polar"), {**payload("polar", "order.paid"), "type": event_type}).op is EventOp.IGNORE


def test_the_format_for_chat_rooms_is_parked():
    with pytest.raises(Unusable, match="type is missing"):
        read(native("polar"), {"content": "New subscription!", "embeds": []})


@pytest.mark.parametrize(
    ("entity", "path", "event_type"),
    [
        (CUSTOMER, f"/v1/customers/{CUSTOMER.id}", "customer.updated"),
        (SUBSCRIPTION, f"/v1/subscriptions/{SUBSCRIPTION.id}", "subscription.updated"),
        (GRANT, f"/v1/customers/{CUSTOMER.id}/state", "customer.state_changed"),
    ],
)
def test_an_object_is_fetched_by_its_id(entity: Entity, path: str, event_type: str):
    api = Answers({path: payload("polar", event_type)["data"]})
    told = next(e for e in read(native("polar"), payload("polar", event_type)) if e.entity == entity)

    found = native("polar").fetch(api, entity, CUSTOMER)
    gone = native("polar").fetch(Answers({}), entity, CUSTOMER)

    assert (found.op, found.entity, found.body) == (EventOp.UPSERT, entity, told.body)
    assert (gone.op, gone.entity, gone.owner) == (EventOp.DELETE, entity, CUSTOMER)


def test_a_grant_that_the_state_does_not_name_is_gone():
    state = {**payload("polar", "customer.state_changed")["data"], "granted_benefits": []}

    found = native("polar").fetch(Answers({f"/v1/customers/{CUSTOMER.id}/state": state}), GRANT, CUSTOMER)

    assert (found.op, found.entity) == (EventOp.DELETE, GRANT)


def test_a_grant_without_a_customer_cannot_be_read_and_a_product_need_not_be():
    with pytest.raises(Unusable, match="customer"):
        native("polar").fetch(Answers({}), GRANT, None)
    assert native("polar").fetch(Answers({}), Entity(Kind.CATALOGUE, "x"), None).op is EventOp.IGNORE


def test_a_backfill_lists_customers_and_subscriptions_and_goes_on_after_any_page():
    customer = payload("polar", "customer.created")["data"]

    def customers(params: dict[str, Any]) -> dict[str, Any]:
        rows = [{**customer, "id": f"c{n}"} for n in range(130)]
        start = (params["page"] - 1) * params["limit"]
        return {"items": rows[start : start + params["limit"]]}

    subscription = payload("polar", "subscription.updated")["data"]
    api = Answers(
        {
            "/v1/customers/": customers,
            "/v1/subscriptions/": {"items": [subscription, {**subscription, "status": "frozen"}]},
        }
    )

    whole = list(native("polar").pages(api, None))

    assert [len(page.events) for page in whole] == [100, 30, 2]
    assert [event.op for event in whole[-1].events] == [EventOp.UPSERT, EventOp.SIGNAL]
    for number, page in enumerate(whole[:-1], start=1):
        assert list(native("polar").pages(api, page.checkpoint)) == whole[number:]


def test_catching_up_reads_what_failed_under_the_ids_of_the_webhooks():
    def row(event_id: str, text: str | None) -> dict[str, Any]:
        return {"webhook_event": {"id": event_id, "payload": text}}

    texts = {
        name: orjson.dumps(payload("polar", name)).decode() for name in ("customer.updated", "order.paid")
    }
    unclear = orjson.dumps(changed("subscription.updated", status="frozen")).decode()
    strange = orjson.dumps({**changed("product.updated", id=7)}).decode()
    rows = [
        row("e1", texts["customer.updated"]),
        row("e1", texts["customer.updated"]),
        row("e2", unclear),
        row("e3", None),
        row("e4", "x"),
        row("e5", strange),
    ]
    api = Answers({"/v1/webhooks/deliveries": {"items": rows}})

    (page,) = native("polar").catch_up(api, NOW, None)
    list(native("polar").catch_up(api, 0, str(NOW)))

    assert [(event.delivery_id, event.op) for event in page.events] == [
        ("e5", EventOp.IGNORE),
        ("e2", EventOp.SIGNAL),
        ("e1", EventOp.UPSERT),
    ]
    assert api.asked[0].params == api.asked[1].params
    assert api.asked[0].params["start_timestamp"] == "2025-12-31T23:00:00.000Z"
