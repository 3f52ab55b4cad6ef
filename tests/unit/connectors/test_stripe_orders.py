"""Stripe's one-time purchases: what webhooks and feed say of them, and what the API shows."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import ORDER_STATUSES, Entity, EventOp, Kind

from tests.unit.connectors.support import NOW, FakeApi, only, read, sample, stripe, stripe_api
from tests.unit.connectors.test_natives_order import known_after

if TYPE_CHECKING:
    from unkey_sync_connectors.event import Event

CUSTOMER = Entity(Kind.CUSTOMER, "cus_DemoAcme000001")
PAYMENT = "pi_3DemoCredits0000001"
SESSION = "cs_test_demo0000000000000000000002"
ORDER = Entity(Kind.ORDER, PAYMENT)
FREE = Entity(Kind.ORDER, SESSION)
SESSIONS = "/v1/checkout/sessions"
PAID = "checkout.session.async_payment_succeeded"
REFUNDED = "charge.refunded"
LINE = {
    "id": "li_1",
    "object": "item",
    "price": {"id": "price_1000", "product": "prod_credits", "lookup_key": "credits_1000"},
    "quantity": 3,
}
ITEM = {"product": "prod_credits", "price": "price_1000", "lookup_key": "credits_1000", "quantity": 3}
SHOP = stripe(orders=True)


def checkout(**changes: Any) -> dict[str, Any]:
    return sample(SHOP, PAID, **changes)


def lines(*rows: Any, has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": has_more}


def order_in(payload: dict[str, Any]) -> Event:
    """What is said of the purchase; a webhook says something of its checkout, too."""
    told, bought = read(SHOP, payload)
    assert told.entity is not None
    assert told.entity.kind is Kind.CHECKOUT
    assert told.delivery_id == bought.delivery_id
    return bought


def session(refunded: bool | None = False, **changes: Any) -> dict[str, Any]:
    """A checkout as the API shows it, expanded. `refunded` None: nothing was charged."""
    charge = None if refunded is None else {"id": "ch_1", "object": "charge", "refunded": refunded}
    payment = {"id": PAYMENT, "object": "payment_intent", "latest_charge": charge}
    shown = checkout()["data"]["object"]
    return {**shown, "payment_intent": payment, "line_items": lines(LINE), **changes}


def paid_by(*sessions: dict[str, Any]) -> FakeApi:
    return FakeApi(objects={SESSIONS: {"object": "list", "data": list(sessions), "has_more": False}})


# Webhooks


@pytest.mark.parametrize("event_type", [PAID, "checkout.session.completed"])
def test_a_paid_checkout_ties_its_customer_and_has_its_purchase_looked_up(event_type: str):
    bought = order_in({**checkout(), "type": event_type})

    assert (bought.op, bought.entity, bought.owner, bought.body) == (EventOp.SIGNAL, ORDER, CUSTOMER, {})


def test_a_purchase_for_nothing_is_named_by_its_checkout():
    bought = order_in(checkout(payment_intent=None, payment_status="no_payment_required"))

    assert bought.entity == FREE


@pytest.mark.parametrize(
    ("vendor", "ours"), [("paid", "paid"), ("no_payment_required", "paid"), ("unpaid", "pending")]
)
def test_a_webhook_that_lists_the_lines_says_everything(vendor: str, ours: str):
    bought = order_in(
        checkout(line_items=lines(LINE), payment_status=vendor, metadata={"org_id": "org_1", "x": "y"})
    )

    assert (bought.op, bought.entity, bought.owner) == (EventOp.UPSERT, ORDER, CUSTOMER)
    assert bought.body == {
        "status": ours,
        "items": [ITEM],
        "external_ref": "org_2demoAcme0000000000000001",
        "metadata": {"org_id": "org_1"},
    }
    assert ours in ORDER_STATUSES


def test_a_truncated_list_of_lines_must_be_fetched():
    assert order_in(checkout(line_items=lines(LINE, has_more=True))).op is EventOp.SIGNAL


def test_a_line_without_a_price_is_bought_by_nobody():
    bought = order_in(checkout(line_items=lines({"id": "li_0", "price": None, "quantity": 1}, LINE)))

    assert bought.body["items"] == [ITEM]


@pytest.mark.parametrize("mode", ["subscription", "setup", None])
def test_a_checkout_in_another_mode_is_no_purchase(mode: str | None):
    assert only(SHOP, checkout(mode=mode)).entity == Entity(Kind.CHECKOUT, SESSION)


def test_a_checkout_without_a_customer_is_nobodys_purchase():
    assert only(SHOP, checkout(customer=None)).op is EventOp.IGNORE


def test_a_refund_has_its_purchase_looked_up():
    refund = only(SHOP, sample(SHOP, REFUNDED))
    expanded = only(SHOP, sample(SHOP, REFUNDED, payment_intent={"id": PAYMENT}))

    assert (refund.op, refund.entity, refund.owner) == (EventOp.SIGNAL, ORDER, CUSTOMER)
    assert expanded == refund


def test_a_refund_to_nobody_is_still_a_refund():
    refund = only(SHOP, sample(SHOP, REFUNDED, customer=None))

    assert (refund.op, refund.entity, refund.owner) == (EventOp.SIGNAL, ORDER, None)


@pytest.mark.parametrize("changes", [{"refunded": False}, {"refunded": None}, {"payment_intent": None}])
def test_a_part_that_is_given_back_or_a_charge_of_no_payment_is_ignored(changes: dict[str, Any]):
    assert only(SHOP, sample(SHOP, REFUNDED, **changes)).op is EventOp.IGNORE


def test_purchases_of_a_connected_account_are_its_own():
    bought = order_in({**checkout(), "account": "acct_1"})
    refund = only(SHOP, {**sample(SHOP, REFUNDED), "account": "acct_1"})

    assert bought.entity == refund.entity == Entity(Kind.ORDER, f"acct_1/{PAYMENT}")
    assert refund.owner == Entity(Kind.CUSTOMER, f"acct_1/{CUSTOMER.id}")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payment_status": "maybe"}, "payment_status is not a known value"),
        ({"payment_status": None}, "payment_status is missing"),
        ({"mode": 7}, "mode is not a text"),
        ({"payment_intent": 7}, "payment_intent is not a text"),
        ({"payment_intent": {"id": "p" * 256}}, "payment_intent.id is longer"),
        ({"line_items": "all"}, "line_items is not an object"),
        ({"line_items": {"data": 7}}, "line_items.data is not a list"),
        ({"line_items": {"data": [], "has_more": "no"}}, "line_items.has_more is not true or false"),
        ({"line_items": lines({"price": "price_1"})}, r"line_items.data\[0\].price is not an object"),
        ({"line_items": lines({"price": {"id": 7}})}, r"price.id is not a text"),
        ({"line_items": lines({**LINE, "quantity": "3"})}, r"quantity is not an integer"),
    ],
)
def test_a_purchase_that_cannot_be_understood_is_parked(changes: dict[str, Any], reason: str):
    with pytest.raises(Unusable, match=reason) as caught:
        read(SHOP, checkout(**changes))

    assert caught.value.delivery_id == checkout()["id"]


@pytest.mark.parametrize("changes", [{"refunded": "yes"}, {"payment_intent": 7}])
def test_a_refund_that_cannot_be_understood_is_parked(changes: dict[str, Any]):
    with pytest.raises(Unusable):
        read(SHOP, sample(SHOP, REFUNDED, **changes))


def test_where_nobody_sells_credits_purchases_are_ignored():
    told = only(stripe(), checkout(payment_status="maybe"))
    refund = only(stripe(), sample(SHOP, REFUNDED))

    assert told.entity == Entity(Kind.CHECKOUT, SESSION)
    assert refund.op is EventOp.IGNORE


def test_a_thin_event_does_not_say_which_payment_it_was():
    thin = {
        **sample(SHOP, "v1.customer.subscription.updated"),
        "type": "v1.checkout.session.completed",
        "related_object": {"id": SESSION, "type": "checkout.session"},
    }

    assert only(SHOP, thin).entity == Entity(Kind.CHECKOUT, SESSION)


def test_a_purchase_and_its_refund_are_in_doubt_in_every_order():
    told = [read(SHOP, checkout(line_items=lines(LINE))), read(SHOP, sample(SHOP, REFUNDED))]

    for order in permutations(told):
        assert known_after(order)[ORDER].doubt
    assert not known_after(told[:1])[ORDER].doubt


# The API


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        (session(), "paid"),
        (session(payment_status="unpaid"), "pending"),
        (session(refunded=None, payment_status="unpaid"), "pending"),
        (session(refunded=True), "refunded"),
        (session(payment_intent=PAYMENT), "paid"),
        (session(payment_intent={"id": PAYMENT, "latest_charge": "ch_1"}), "paid"),
    ],
)
def test_a_purchase_is_fetched_by_its_payment(shown: dict[str, Any], status: str):
    api = paid_by(shown)

    event = SHOP.fetch(api, ORDER, None)

    assert (event.op, event.entity, event.owner, event.version) == (EventOp.UPSERT, ORDER, CUSTOMER, NOW)
    assert (event.body["status"], event.body["items"], event.account) == (status, [ITEM], "test")
    assert (api.asked[0].path, api.asked[0].params) == (
        SESSIONS,
        {
            "payment_intent": PAYMENT,
            "expand[]": ["data.line_items", "data.payment_intent.latest_charge"],
        },
    )


def test_a_purchase_for_nothing_is_fetched_by_its_checkout():
    shown = session(payment_intent=None, payment_status="no_payment_required")
    api = FakeApi(objects={f"{SESSIONS}/{SESSION}": shown})

    event = SHOP.fetch(api, FREE, CUSTOMER)

    assert (event.op, event.entity, event.body["status"]) == (EventOp.UPSERT, FREE, "paid")
    assert api.asked[0].params == {"expand[]": ["line_items"]}


def test_the_lines_of_a_large_purchase_are_listed_to_the_end():
    rows = [{"id": f"li_{n}", "price": {"id": f"price_{n}"}, "quantity": n} for n in range(250)]
    shown = session(line_items=lines(*rows[:10], has_more=True))
    api = stripe_api(objects={SESSIONS: {"data": [shown]}}, lists={f"{SESSIONS}/{SESSION}/line_items": rows})

    event = SHOP.fetch(api, ORDER, CUSTOMER)

    assert [item["price"] for item in event.body["items"]] == [f"price_{n}" for n in range(250)]


@pytest.mark.parametrize(
    ("entity", "api"),
    [
        (ORDER, paid_by()),
        (ORDER, FakeApi()),
        (ORDER, paid_by(session(customer=None))),
        (ORDER, paid_by(session(mode="subscription"))),
        (ORDER, paid_by(session(payment_intent="pi_other"))),
        (FREE, FakeApi()),
        # The purchase is known by its payment already: it must not be given twice.
        (FREE, FakeApi(objects={f"{SESSIONS}/{SESSION}": session()})),
    ],
)
def test_what_is_no_purchase_of_anybody_is_deleted_and_not_for_good(entity: Entity, api: FakeApi):
    event = SHOP.fetch(api, entity, CUSTOMER)

    assert (event.op, event.entity, event.owner) == (EventOp.DELETE, entity, CUSTOMER)
    assert (event.version, event.terminal) == (NOW, False)


def test_a_purchase_of_a_connected_account_is_asked_for_on_its_behalf():
    rows = [{**LINE, "id": "li_1"}]
    shown = session(line_items=lines(has_more=True))
    api = stripe_api(objects={SESSIONS: {"data": [shown]}}, lists={f"{SESSIONS}/{SESSION}/line_items": rows})
    entity = Entity(Kind.ORDER, f"acct_1/{PAYMENT}")

    event = SHOP.fetch(api, entity, None)

    assert {asked.headers["stripe-account"] for asked in api.asked} == {"acct_1"}
    assert (event.entity, event.body["items"]) == (entity, [ITEM])


def test_a_purchase_in_another_mode_than_the_configured_one_is_noticed():
    with pytest.raises(Unusable, match="not the configured one"):
        stripe(orders=True, account="live").fetch(paid_by(session()), ORDER, CUSTOMER)


@pytest.mark.parametrize("found", [{"data": 7}, {"data": ["cs_1"]}, {"data": [{**session(), "livemode": 1}]}])
def test_an_answer_that_cannot_be_understood_is_noticed(found: dict[str, Any]):
    with pytest.raises(Unusable):
        SHOP.fetch(FakeApi(objects={SESSIONS: found}), ORDER, CUSTOMER)


# The event feed


def feed_of(*newest_first: dict[str, Any], orders: bool = True) -> tuple[list[Event], FakeApi]:
    api = stripe_api(lists={"/v1/events": list(newest_first)})
    (page,) = stripe(orders=orders).catch_up(api, NOW, None)
    return list(page.events), api


def test_the_feed_says_the_same_as_the_webhooks():
    told, api = feed_of(sample(SHOP, REFUNDED), checkout())

    assert told == [*read(SHOP, checkout()), *read(SHOP, sample(SHOP, REFUNDED))]
    assert REFUNDED in api.asked[0].params["types[]"]
    assert len(api.asked[0].params["types[]"]) <= 20


def test_where_nobody_sells_credits_the_feed_is_not_asked_for_refunds():
    told, api = feed_of(checkout(), orders=False)

    assert [event.entity.kind for event in told if event.entity] == [Kind.CHECKOUT]
    assert REFUNDED not in api.asked[0].params["types[]"]


def test_what_cannot_be_understood_in_the_feed_is_fetched_and_stops_nothing():
    odd = checkout(payment_status="maybe")
    strange = sample(SHOP, REFUNDED, refunded="yes")
    hopeless = {**sample(SHOP, REFUNDED, payment_intent=7), "id": "evt_hopeless"}

    told, _ = feed_of(hopeless, strange, odd)

    assert [(event.op, event.entity) for event in told] == [
        (EventOp.SIGNAL, Entity(Kind.CHECKOUT, SESSION)),
        (EventOp.SIGNAL, ORDER),
        (EventOp.SIGNAL, ORDER),
        (EventOp.IGNORE, None),
    ]
    assert [event.op for event in feed_of(strange, orders=False)[0]] == [EventOp.IGNORE]
