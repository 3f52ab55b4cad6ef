"""Stripe's envelopes: snapshot and thin, accounts and modes, customers, checkouts, entitlements, invoices."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from unkey_sync_connectors.base import Delivery, Malformed, Rejected, Unusable
from unkey_sync_connectors.event import Entity, EventOp, Kind

from tests.unit.connectors.support import NOW, SECOND, only, read, sample, stripe

CUSTOMER = Entity(Kind.CUSTOMER, "cus_DemoAcme000001")
SUBSCRIPTION = Entity(Kind.SUBSCRIPTION, "sub_1DemoAcme000000001")
ORGANIZATION_ID = "org_2demoAcme0000000000000001"
THIN = "v1.customer.subscription.updated"


def test_a_customer_becomes_an_upsert_with_the_metadata_that_link_rules_read():
    event = only(stripe(), sample(stripe(), "customer.updated"))

    assert (event.op, event.entity, event.owner) == (EventOp.UPSERT, CUSTOMER, None)
    assert event.body == {"external_ref": None, "metadata": {"org_id": ORGANIZATION_ID}}
    assert (event.version, event.resolution) == (1_767_226_100 * SECOND, SECOND)
    assert (event.account, event.delivery_id) == ("test", "evt_1Demo0000000000000002")


def test_a_deleted_customer_is_gone_for_good_although_the_webhook_shows_it_whole():
    event = only(stripe(), sample(stripe(), "customer.deleted"))

    assert (event.op, event.entity, event.terminal, event.rank) == (EventOp.DELETE, CUSTOMER, True, 2)
    assert event.body == {}


@pytest.mark.parametrize("event_type", ["customer.created", "checkout.session.completed", "invoice.paid"])
def test_no_name_and_no_address_is_kept(event_type: str):
    event = only(stripe(), sample(stripe(), event_type))

    for word in ("example.com", "Acme Example"):
        assert word not in repr(event)


@pytest.mark.parametrize("what", ["completed", "async_payment_succeeded"])
def test_a_checkout_ties_a_customer_to_our_id(what: str):
    payload = sample(stripe(), "checkout.session.completed")
    payload["type"] = f"checkout.session.{what}"

    event = only(stripe(), payload)

    assert (event.op, event.owner) == (EventOp.UPSERT, CUSTOMER)
    assert event.entity == Entity(Kind.CHECKOUT, "cs_test_demo0000000000000000000001")
    assert event.body == {"client_reference_id": ORGANIZATION_ID, "metadata": {"org_id": ORGANIZATION_ID}}


def test_a_checkout_without_a_customer_ties_nobody():
    event = only(stripe(), sample(stripe(), "checkout.session.completed", customer=None))

    assert (event.op, event.entity) == (EventOp.IGNORE, None)


def test_entitlements_are_the_whole_set_of_a_customer():
    event = only(stripe(), sample(stripe(), "entitlements.active_entitlement_summary.updated"))

    assert (event.op, event.owner) == (EventOp.UPSERT, CUSTOMER)
    assert event.entity == Entity(Kind.ENTITLEMENTS, CUSTOMER.id)
    assert event.body == {"features": ["audit-log", "exports"]}


def test_a_truncated_entitlement_list_must_be_fetched():
    payload = sample(stripe(), "entitlements.active_entitlement_summary.updated")
    payload["data"]["object"]["entitlements"]["has_more"] = True

    event = only(stripe(), payload)

    assert (event.op, event.owner, event.body) == (EventOp.SIGNAL, CUSTOMER, {})
    assert event.entity == Entity(Kind.ENTITLEMENTS, CUSTOMER.id)


@pytest.mark.parametrize(
    "named",
    [
        {"parent": {"subscription_details": {"subscription": SUBSCRIPTION.id}}},
        {"parent": {"subscription_details": {"subscription": {"id": SUBSCRIPTION.id}}}},
        {"parent": None, "subscription": SUBSCRIPTION.id},
        {"parent": {"quote_details": {}}, "subscription": {"id": SUBSCRIPTION.id}},
    ],
)
@pytest.mark.parametrize("event_type", ["invoice.paid", "invoice.payment_failed", "invoice.finalized"])
def test_an_invoice_wakes_its_subscription_wherever_it_names_it(named: dict[str, Any], event_type: str):
    payload = sample(stripe(), "invoice.paid", **named)
    payload["type"] = event_type

    event = only(stripe(), payload)

    assert (event.op, event.entity, event.owner) == (EventOp.SIGNAL, SUBSCRIPTION, CUSTOMER)


def test_an_invoice_of_no_subscription_is_ignored():
    event = only(stripe(), sample(stripe(), "invoice.paid", parent=None))

    assert event.op is EventOp.IGNORE


@pytest.mark.parametrize("event_type", ["product.updated", "price.updated"])
def test_the_catalogue_only_wakes_somebody_up(event_type: str):
    payload = sample(stripe(), event_type)

    event = only(stripe(), payload)

    assert event.op is EventOp.SIGNAL
    assert event.entity == Entity(Kind.CATALOGUE, payload["data"]["object"]["id"])


@pytest.mark.parametrize(
    "event_type",
    [
        "charge.succeeded",
        "customer.discount.created",
        "customer.source.created",
        "customer.tax_id.updated",
        "checkout.session.expired",
        "invoiceitem.created",
        "product.created",
        "something.new",
    ],
)
def test_other_types_are_ignored(event_type: str):
    payload = sample(stripe(), "customer.created")
    payload["type"] = event_type

    event = only(stripe(), payload)

    assert (event.op, event.entity) == (EventOp.IGNORE, None)


@pytest.mark.parametrize(
    ("event_type", "rank"),
    [("customer.created", 0), ("customer.updated", 1), ("customer.deleted", 2)],
)
def test_of_one_second_the_later_step_of_a_life_wins(event_type: str, rank: int):
    assert only(stripe(), sample(stripe(), event_type)).rank == rank


# Thin events


def thin(**changes: Any) -> dict[str, Any]:
    return {**sample(stripe(), THIN), **changes}


def test_a_thin_event_only_says_what_to_fetch():
    event = only(stripe(), thin())

    assert (event.op, event.entity, event.body) == (EventOp.SIGNAL, SUBSCRIPTION, {})
    assert (event.version, event.resolution) == (1_768_435_270_482_000, 1_000)


def test_a_thin_event_and_its_snapshot_twin_are_one_delivery():
    snapshot = only(stripe(), sample(stripe(), "customer.subscription.updated"))

    twin = only(stripe(), thin())
    alone = only(stripe(), thin(snapshot_event=None))

    assert (twin.delivery_id, twin.entity) == (snapshot.delivery_id, snapshot.entity)
    assert alone.delivery_id == "evt_test_demo00000000000000000000000001"


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("v1.customer.created", Kind.CUSTOMER),
        ("v1.customer.updated", Kind.CUSTOMER),
        ("v1.customer.deleted", Kind.CUSTOMER),
        ("v1.customer.subscription.past_due", Kind.SUBSCRIPTION),
        ("v1.customer.subscription.item_quantity_changed", Kind.SUBSCRIPTION),
        ("v1.customer.subscription.deleted", Kind.SUBSCRIPTION),
        ("v1.checkout.session.completed", Kind.CHECKOUT),
        ("v1.checkout.session.async_payment_succeeded", Kind.CHECKOUT),
        ("v1.product.updated", Kind.CATALOGUE),
        ("v1.price.updated", Kind.CATALOGUE),
    ],
)
def test_a_thin_event_is_about_its_related_object(event_type: str, kind: Kind):
    event = only(
        stripe(), thin(type=event_type, related_object={"id": "x_1", "type": "x", "url": "/v1/x/x_1"})
    )

    assert (event.op, event.entity) == (EventOp.SIGNAL, Entity(kind, "x_1"))


@pytest.mark.parametrize(
    "event_type", ["v1.invoice.paid", "v1.customer.discount.created", "v2.core.account.updated"]
)
def test_other_thin_types_are_ignored(event_type: str):
    assert only(stripe(), thin(type=event_type)).op is EventOp.IGNORE


@pytest.mark.parametrize("event_type", [THIN, "v1.entitlements.active_entitlement_summary.updated"])
def test_a_thin_event_that_does_not_say_what_about_cannot_be_used(event_type: str):
    with pytest.raises(Unusable, match=r"^related_object\.id is missing$"):
        read(stripe(), thin(type=event_type, related_object=None))


# Accounts and modes


@pytest.mark.parametrize(
    ("connected", "livemode", "account", "customer_id"),
    [
        (None, False, "test", "cus_DemoAcme000001"),
        (None, True, "live", "cus_DemoAcme000001"),
        ("acct_1", True, "acct_1/live", "acct_1/cus_DemoAcme000001"),
    ],
)
def test_a_connected_account_is_a_world_of_its_own(
    connected: str | None, livemode: bool, account: str, customer_id: str
):
    payload = {**sample(stripe(), "customer.created"), "account": connected, "livemode": livemode}

    event = only(stripe(), payload)

    assert (event.account, event.entity) == (account, Entity(Kind.CUSTOMER, customer_id))


def test_owners_live_in_the_same_account_as_what_they_own():
    payload = {**sample(stripe(), "customer.subscription.created"), "account": "acct_1"}

    event = only(stripe(), payload)

    assert event.entity == Entity(Kind.SUBSCRIPTION, "acct_1/sub_1DemoAcme000000001")
    assert event.owner == Entity(Kind.CUSTOMER, "acct_1/cus_DemoAcme000001")


@pytest.mark.parametrize("context", ["acct_1", "org_1/acct_1"])
def test_the_context_of_a_thin_event_is_its_account(context: str):
    event = only(stripe(), thin(context=context))

    assert event.entity == Entity(Kind.SUBSCRIPTION, "acct_1/sub_1DemoAcme000000001")


@pytest.mark.parametrize("connected", [None, "acct_1"])
@pytest.mark.parametrize("livemode", [True, False])
@pytest.mark.parametrize(
    ("configured", "admitted"),
    [
        ("", {"test", "live", "acct_1/test", "acct_1/live"}),
        ("live", {"live", "acct_1/live"}),
        ("test", {"test", "acct_1/test"}),
        ("acct_1/live", {"acct_1/live"}),
    ],
)
def test_an_event_of_another_account_than_the_configured_one_is_parked_and_not_lost(
    connected: str | None, livemode: bool, configured: str, admitted: set[str]
):
    payload = {**sample(stripe(), "customer.created"), "account": connected, "livemode": livemode}
    account = only(stripe(), payload).account

    if account in admitted:
        assert only(stripe(account=configured), payload).account == account
        return
    with pytest.raises(Unusable, match="livemode or account is not the configured one") as caught:
        read(stripe(account=configured), payload)

    assert caught.value.delivery_id == payload["id"]


# Envelopes


def test_an_event_from_a_cloud_providers_queue_is_unwrapped():
    payload = sample(stripe(), "customer.created")
    direct = only(stripe(), payload)
    bridge = {"version": "0", "detail-type": "customer.created", "source": "aws.partner/x", "detail": payload}
    grid = {"specversion": "1.0", "type": "customer.created", "id": "g_1", "data": payload}

    assert only(stripe(), bridge) == direct
    assert only(stripe(), grid) == direct


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "id is missing"),
        ({"id": "evt_\0"}, "id contains NUL"),
        ({"type": None}, "type is missing"),
        ({"object": "charge"}, "object is not an event of Stripe"),
        ({"object": None}, "object is not an event of Stripe"),
        ({"created": None}, "created is missing"),
        ({"livemode": "yes"}, "livemode is not true or false"),
        ({"data": None}, "data.object is missing"),
        ({"data": {"object": "cus_1"}}, "data.object is not an object"),
        ({"data": {"object": {"id": 5}}}, "data.object.id is not a text"),
        ({"detail": "text", "object": None}, "object is not an event of Stripe"),
    ],
)
def test_an_event_that_cannot_be_understood_names_the_field(change: dict[str, Any], reason: str):
    with pytest.raises(Unusable) as caught:
        read(stripe(), {**sample(stripe(), "customer.created"), **change})

    assert caught.value.reason == reason


def test_a_body_that_is_no_object_is_malformed():
    with pytest.raises(Malformed):
        read(stripe(), b'"evt_1"')


def test_a_megabyte_of_body_is_read():
    payload = sample(stripe(), "customer.created", description="x" * 1_000_000)

    event = only(stripe(), payload)

    assert event.entity == CUSTOMER
    assert "x" * 100 not in repr(event)


@pytest.mark.parametrize("offset_s", [-3_600, 3_600, 10**9])
def test_an_attempt_from_another_time_is_rejected_in_both_directions(offset_s: int):
    body = orjson.dumps(sample(stripe(), "customer.created"))
    headers = stripe().sign(body, NOW + offset_s * SECOND)

    with pytest.raises(Rejected):
        stripe().verify(Delivery(body, headers), NOW)


def test_of_two_signatures_the_second_may_be_the_right_one():
    body = orjson.dumps(sample(stripe(), "customer.created"))
    signature = stripe().sign(body, NOW)["stripe-signature"]
    header = signature.replace("v1=", f"v1={'0' * 64},v1=")

    stripe().verify(Delivery(body, {"stripe-signature": header}), NOW)


def test_stripe_is_answered_with_a_plain_200():
    assert (stripe().answer().status, stripe().answer().body) == (200, b"{}")
