"""Lago: what its payloads mean, and what its API shows."""

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

CUSTOMER = Entity(Kind.CUSTOMER, "org_acme")
OLD = "1a901a90-50b0-4000-8000-000000000001"
NEW = "1a901a90-50b0-4000-8000-000000000002"
SUBSCRIPTION = Entity(Kind.SUBSCRIPTION, OLD)
FEATURES = Entity(Kind.ENTITLEMENTS, OLD)
SUBSCRIPTIONS = "/api/v1/subscriptions"


def changed(event_type: str, **changes: Any) -> dict[str, Any]:
    body = payload("lago", event_type)
    of = body["object_type"]
    return {**body, of: {**body[of], **changes}}


def row(**changes: Any) -> dict[str, Any]:
    """A subscription as the API shows it: without its features."""
    found: dict[str, Any] = changed("subscription.started", **changes)["subscription"]
    return {name: value for name, value in found.items() if name not in ("entitlements", "plan")}


@pytest.mark.parametrize(
    ("vendor", "ours", "rank"),
    [
        ("pending", "incomplete", 0),
        ("incomplete", "incomplete", 0),
        ("active", "active", 1),
        ("terminated", "ended", 2),
        ("canceled", "ended", 2),
    ],
)
def test_every_status_has_a_meaning_and_the_end_is_final(vendor: str, ours: str, rank: int):
    event, features = read(native("lago"), changed("subscription.updated", status=vendor))

    assert (event.body["status"], event.rank, event.terminal) == (ours, rank, ours == "ended")
    assert features.op is (EventOp.DELETE if ours == "ended" else EventOp.UPSERT)
    assert ours in SUBSCRIPTION_STATUSES


def test_the_plan_is_its_code_and_the_customer_our_own_id():
    event, features = read(native("lago"), payload("lago", "subscription.started"))

    assert event.body["items"][0]["lookup_key"] == "pro"
    assert (event.owner, event.body["external_ref"]) == (CUSTOMER, "org_acme")
    assert features.body == {"features": ["seats", "sso"]}


def test_metadata_is_read_from_lagos_list_of_pairs():
    event = only(native("lago"), payload("lago", "customer.created"))

    assert event.body == {"external_ref": "org_acme", "metadata": {"org_id": "org_acme"}}
    assert event.resolution == 1_000_000


def test_an_upgrade_ends_with_the_new_plan_in_whatever_order_it_is_told():
    new = changed("subscription.started", lago_id=NEW, plan_code="max", started_at="2026-01-02T00:00:00.120Z")
    told = [payload("lago", "subscription.started"), payload("lago", "subscription.terminated"), new]
    deliveries = [read(native("lago"), body) for body in told]

    for order in permutations(deliveries):
        known = known_after(order)
        assert known[SUBSCRIPTION].body["status"] == "ended"
        assert known[Entity(Kind.SUBSCRIPTION, NEW)].body["status"] == "active"
        assert known[Entity(Kind.SUBSCRIPTION, NEW)].body["items"][0]["lookup_key"] == "max"
        assert known[FEATURES].deleted


def test_changes_that_move_no_date_are_in_doubt_until_fetched():
    told = [read(native("lago"), payload("lago", f"subscription.{what}")) for what in ("started", "updated")]

    assert known_after(told)[SUBSCRIPTION].doubt


@pytest.mark.parametrize("what", ["trial_ended", "termination_alert", "usage_threshold_reached"])
def test_alerts_make_the_subscription_be_fetched(what: str):
    body = {**payload("lago", "subscription.trial_ended"), "webhook_type": f"subscription.{what}"}

    event = only(native("lago"), body)

    assert (event.op, event.entity, event.owner) == (EventOp.SIGNAL, SUBSCRIPTION, CUSTOMER)


def test_features_are_told_only_where_the_payload_lists_them():
    body = payload("lago", "subscription.started")
    del body["subscription"]["entitlements"]

    assert only(native("lago"), body).entity == SUBSCRIPTION


@pytest.mark.parametrize("what", ["plan", "feature"])
def test_the_catalogue_is_a_wake_up_only(what: str):
    body = {"webhook_type": f"{what}.updated", what: {"code": "pro"}}

    assert only(native("lago"), body).entity == Entity(Kind.CATALOGUE, "pro")


def test_the_delivery_is_named_by_lagos_unique_key_and_without_it_by_the_body():
    body = orjson.dumps(payload("lago", "customer.created"))

    (event,) = native("lago").parse(Delivery(body, {"x-lago-unique-key": "key-1"}))
    (again,) = native("lago").parse(signed(native("lago"), body))

    assert event.delivery_id == "key-1"
    assert again.delivery_id.startswith("body:")


def test_another_organisations_events_are_parked():
    with pytest.raises(Unusable, match="organization_id"):
        read(native("lago", account="other"), payload("lago", "customer.created"))


def test_a_customer_is_fetched_by_our_own_id():
    api = Answers(
        {"/api/v1/customers/org_acme": {"customer": payload("lago", "customer.updated")["customer"]}}
    )

    found = native("lago").fetch(api, CUSTOMER, None)
    gone = native("lago").fetch(Answers({}), CUSTOMER, None)

    assert (found.op, found.entity, found.body["external_ref"]) == (EventOp.UPSERT, CUSTOMER, "org_acme")
    assert (gone.op, gone.entity, gone.terminal) == (EventOp.DELETE, CUSTOMER, False)


def test_a_subscription_is_found_among_its_customers_of_every_status():
    api = Answers({SUBSCRIPTIONS: {"subscriptions": [row(lago_id=NEW), row()]}})

    found = native("lago").fetch(api, SUBSCRIPTION, CUSTOMER)
    gone = native("lago").fetch(api, Entity(Kind.SUBSCRIPTION, "other"), CUSTOMER)

    told = read(native("lago"), payload("lago", "subscription.started"))[0]
    assert (found.entity, found.version, found.body) == (SUBSCRIPTION, told.version, told.body)
    assert (gone.op, gone.owner) == (EventOp.DELETE, CUSTOMER)
    assert api.asked[0].params["external_customer_id"] == "org_acme"
    assert "terminated" in api.asked[0].params["status[]"]


def test_the_features_of_a_subscription_are_fetched_as_they_are_told():
    features = f"{SUBSCRIPTIONS}/org_acme-main/entitlements"
    lists = {SUBSCRIPTIONS: {"subscriptions": [row()]}}
    told = read(native("lago"), payload("lago", "subscription.started"))[1]
    api = Answers({**lists, features: {"entitlements": [{"code": "sso"}, {"code": "seats"}]}})

    found = native("lago").fetch(api, FEATURES, CUSTOMER)
    without = native("lago").fetch(Answers(lists), FEATURES, CUSTOMER)

    assert (found.entity, found.body) == (FEATURES, told.body)
    assert without.body == {"features": []}


def test_a_subscription_without_a_customer_cannot_be_read_and_a_plan_need_not_be():
    with pytest.raises(Unusable, match="customer"):
        native("lago").fetch(Answers({}), SUBSCRIPTION, None)
    assert native("lago").fetch(Answers({}), Entity(Kind.CATALOGUE, "pro"), None).op is EventOp.IGNORE


def everything() -> Answers:
    customer = payload("lago", "customer.created")["customer"]

    def customers(params: dict[str, Any]) -> dict[str, Any]:
        rows = [{**customer, "external_id": f"org_{n}"} for n in range(101)]
        start = (params["page"] - 1) * params["per_page"]
        return {"customers": rows[start : start + params["per_page"]]}

    return Answers(
        {"/api/v1/customers": customers, SUBSCRIPTIONS: {"subscriptions": [row(), row(status="frozen")]}}
    )


def test_a_backfill_lists_customers_and_subscriptions_and_goes_on_after_any_page():
    whole = list(native("lago").pages(everything(), None))

    assert [len(page.events) for page in whole] == [100, 1, 2]
    assert [event.op for event in whole[-1].events] == [EventOp.UPSERT, EventOp.SIGNAL]
    for number, page in enumerate(whole[:-1], start=1):
        assert list(native("lago").pages(everything(), page.checkpoint)) == whole[number:]


def test_catching_up_is_listing_everything_again():
    listed = [event.entity for page in native("lago").pages(everything(), None) for event in page.events]

    found = [event for page in native("lago").catch_up(everything(), NOW, None) for event in page.events]

    assert [event.entity for event in found] == listed
    assert {event.type for event in found} == {"catch_up"}
