"""Stripe's API: one object now, everything page by page, the event feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync_connectors.base import Gone, Unusable
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind

from tests.unit.connectors.support import NOW, SECOND, FakeApi, only, sample, stripe, stripe_api

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unkey_sync_connectors.base import Page

SUBSCRIPTIONS = "/v1/subscriptions"
CUSTOMERS = "/v1/customers"
CUSTOMER = Entity(Kind.CUSTOMER, "cus_1")
SUBSCRIPTION = Entity(Kind.SUBSCRIPTION, "sub_1")
ENTITLEMENTS = Entity(Kind.ENTITLEMENTS, "cus_1")
CHECKOUT = Entity(Kind.CHECKOUT, "cs_1")


def customer(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": f"cus_{number}", "object": "customer", "livemode": False, "metadata": {}, **changes}


def subscription(number: int, **changes: Any) -> dict[str, Any]:
    items = [{"id": f"si_{number}", "price": {"id": "price_1", "product": "prod_1"}, "quantity": 1}]
    return {
        "id": f"sub_{number}",
        "customer": f"cus_{number}",
        "status": "active",
        "livemode": False,
        "items": {"data": items, "has_more": False},
        **changes,
    }


def ids(pages: Iterable[Page]) -> list[str]:
    return [event.entity.id for event in events(pages) if event.entity]


def events(pages: Iterable[Page]) -> list[Event]:
    return [event for page in pages for event in page.events]


# One object


def test_a_subscription_is_fetched_as_it_was_when_stripe_was_asked():
    api = FakeApi(objects={"/v1/subscriptions/sub_1": subscription(1, status="past_due")})

    event = stripe().fetch(api, SUBSCRIPTION, CUSTOMER)

    assert (event.op, event.entity, event.owner) == (EventOp.UPSERT, SUBSCRIPTION, CUSTOMER)
    assert (event.version, event.resolution, event.type) == (NOW, SECOND, "fetch")
    assert (event.account, event.body["status"]) == ("test", "past_due")


def test_an_ended_subscription_is_fetched_as_ended_for_good():
    api = FakeApi(objects={"/v1/subscriptions/sub_1": subscription(1, status="canceled")})

    event = stripe().fetch(api, SUBSCRIPTION, CUSTOMER)

    assert (event.op, event.terminal, event.body["status"]) == (EventOp.UPSERT, True, "ended")


def test_the_items_of_a_large_subscription_are_listed_to_the_end():
    rows = [{"id": f"si_{n}", "price": {"id": f"price_{n}"}, "quantity": n} for n in range(250)]
    truncated = subscription(1, items={"data": rows[:20], "has_more": True})
    api = FakeApi(
        objects={"/v1/subscriptions/sub_1": truncated},
        lists={"/v1/subscription_items": rows},
        by_offset=False,
    )

    event = stripe().fetch(api, SUBSCRIPTION, CUSTOMER)

    assert event.op is EventOp.UPSERT
    assert [item["price"] for item in event.body["items"]] == [f"price_{n}" for n in range(250)]
    assert {asked.params.get("subscription", "sub_1") for asked in api.asked} == {"sub_1"}


def test_a_customer_is_fetched_as_it_is_now():
    api = FakeApi(objects={"/v1/customers/cus_1": customer(1, metadata={"org_id": "org_1", "note": "x"})})

    event = stripe().fetch(api, CUSTOMER, None)

    assert (event.op, event.body) == (EventOp.UPSERT, {"external_ref": None, "metadata": {"org_id": "org_1"}})


def test_the_stub_of_a_deleted_customer_is_a_delete_for_good():
    api = FakeApi(objects={"/v1/customers/cus_1": {"id": "cus_1", "object": "customer", "deleted": True}})

    event = stripe().fetch(api, CUSTOMER, None)

    assert (event.op, event.entity, event.terminal) == (EventOp.DELETE, CUSTOMER, True)


def test_a_checkout_is_fetched_as_it_is_now():
    found = {"id": "cs_1", "customer": "cus_1", "client_reference_id": "org_1", "livemode": False}

    event = stripe().fetch(FakeApi(objects={"/v1/checkout/sessions/cs_1": found}), CHECKOUT, CUSTOMER)

    assert (event.op, event.owner) == (EventOp.UPSERT, CUSTOMER)
    assert event.body == {"client_reference_id": "org_1", "metadata": {}}


def test_the_entitlements_of_a_customer_are_listed_to_the_end():
    rows = [{"id": f"ent_{n}", "lookup_key": f"feature_{n:03}", "livemode": True} for n in range(150)]
    api = FakeApi(lists={"/v1/entitlements/active_entitlements": rows}, by_offset=False)

    event = stripe().fetch(api, ENTITLEMENTS, CUSTOMER)

    assert (event.op, event.entity, event.owner) == (EventOp.UPSERT, ENTITLEMENTS, CUSTOMER)
    assert event.body["features"] == [f"feature_{n:03}" for n in range(150)]
    assert (event.account, event.version) == ("live", NOW)
    assert api.asked[0].params["customer"] == "cus_1"


@pytest.mark.parametrize(("configured", "account"), [("", "test"), ("live", "live"), ("test", "test")])
def test_a_customer_without_entitlements_has_an_empty_set(configured: str, account: str):
    api = FakeApi(lists={"/v1/entitlements/active_entitlements": []}, by_offset=False)

    event = stripe(account=configured).fetch(api, ENTITLEMENTS, CUSTOMER)

    assert (event.op, event.body, event.account) == (EventOp.UPSERT, {"features": []}, account)


@pytest.mark.parametrize("entity", [CUSTOMER, SUBSCRIPTION, CHECKOUT, ENTITLEMENTS])
@pytest.mark.parametrize("date", [NOW, None])
def test_what_stripe_does_not_know_is_deleted_at_the_time_it_said_so(entity: Entity, date: int | None):
    event = stripe().fetch(FakeApi(date=date), entity, CUSTOMER)

    assert (event.op, event.entity, event.owner) == (EventOp.DELETE, entity, CUSTOMER)
    assert event.version == (date or 0)
    # An API key of the wrong account knows nobody: that must not bury anybody for ever.
    assert not event.terminal


def test_an_object_of_a_connected_account_is_asked_for_on_its_behalf():
    connected = Entity(Kind.SUBSCRIPTION, "acct_1/sub_1")
    api = FakeApi(objects={"/v1/subscriptions/sub_1": subscription(1)})

    event = stripe().fetch(api, connected, None)

    assert api.asked[0].headers == {"stripe-account": "acct_1"}
    assert (event.entity, event.account) == (connected, "acct_1/test")
    assert event.owner == Entity(Kind.CUSTOMER, "acct_1/cus_1")


def test_an_object_of_our_own_account_needs_no_header():
    api = FakeApi(objects={"/v1/subscriptions/sub_1": subscription(1)})

    stripe().fetch(api, SUBSCRIPTION, None)

    assert api.asked[0].headers == {}


def test_a_key_of_another_mode_than_the_configured_one_is_noticed():
    api = FakeApi(objects={"/v1/customers/cus_1": customer(1, livemode=True)})

    with pytest.raises(Unusable, match="not the configured one"):
        stripe(account="test").fetch(api, CUSTOMER, None)


def test_the_catalogue_is_not_fetched():
    api = FakeApi()

    event = stripe().fetch(api, Entity(Kind.CATALOGUE, "price_1"), None)

    assert (event.op, api.asked) == (EventOp.IGNORE, [])


def test_ids_are_quoted_in_paths():
    api = FakeApi()

    stripe().fetch(api, Entity(Kind.CUSTOMER, "cus_1?expand[]=x"), None)

    assert api.paths() == ["/v1/customers/cus_1%3Fexpand%5B%5D%3Dx"]


# Everything


def test_a_backfill_lists_subscriptions_with_their_customers_then_all_customers():
    api = stripe_api(
        lists={
            SUBSCRIPTIONS: [subscription(1, customer=customer(1)), subscription(2, status="canceled")],
            CUSTOMERS: [customer(1), customer(2)],
        }
    )

    pages = list(stripe().pages(api, None))

    assert ids(pages) == ["cus_1", "sub_1", "sub_2", "cus_1", "cus_2"]
    assert [page.last for page in pages] == [False, True]
    assert api.asked[0].params == {"status": "all", "expand[]": ["data.customer"], "limit": 100}
    assert {(event.type, event.version) for event in events(pages)} == {("backfill", NOW)}


def test_a_customer_met_twice_is_recognised():
    api = stripe_api(lists={SUBSCRIPTIONS: [subscription(1, customer=customer(1))], CUSTOMERS: [customer(1)]})

    first, _, again = events(stripe().pages(api, None))

    assert first == again


def test_an_unchanged_object_is_recognised_whenever_it_is_listed_and_a_changed_one_is_not():
    worlds = [(customer(1), NOW), (customer(1), NOW + 60 * SECOND), (customer(1, metadata={"a": "b"}), NOW)]

    first, later, changed = (
        events(stripe().pages(stripe_api(lists={CUSTOMERS: [row]}, date=date), None))[0]
        for row, date in worlds
    )

    assert first.delivery_id == later.delivery_id
    assert first.version < later.version
    assert first.delivery_id != changed.delivery_id


def test_without_a_date_a_listing_overrules_nothing():
    api = stripe_api(lists={CUSTOMERS: [customer(1)]}, date=None)

    (event,) = events(stripe().pages(api, None))

    assert event.version == 0


def test_a_backfill_resumed_after_any_page_misses_nothing():
    lists = {
        SUBSCRIPTIONS: [subscription(n) for n in range(250)],
        CUSTOMERS: [customer(n) for n in range(300)],
    }
    whole = list(stripe().pages(stripe_api(lists=lists), None))

    for cut, page in enumerate(whole, start=1):
        rest = list(stripe().pages(stripe_api(lists=lists), page.checkpoint))

        assert set(ids(whole[:cut])) | set(ids(rest)) == set(ids(whole))
        assert rest[-1].last

    assert len(set(ids(whole))) == 550


def test_when_the_row_we_stood_on_is_deleted_the_list_comes_again():
    rows = [customer(n) for n in range(150)]
    pages = list(stripe().pages(stripe_api(lists={CUSTOMERS: rows}), None))
    remaining = [row for row in rows if row["id"] != "cus_99"]

    rest = ids(stripe().pages(stripe_api(lists={CUSTOMERS: remaining}), pages[1].checkpoint))

    assert set(rest) == {row["id"] for row in remaining}


def test_a_list_that_does_not_exist_is_no_empty_list():
    with pytest.raises(Gone):
        list(stripe().pages(FakeApi(), None))


def test_rows_that_cannot_be_understood_are_fetched_and_stop_nothing():
    truncated = {"data": [], "has_more": True}
    api = stripe_api(
        lists={
            SUBSCRIPTIONS: [
                subscription(1, status="frozen"),
                subscription(2, items=truncated),
                subscription(3),
            ],
            CUSTOMERS: [customer(1, metadata="?")],
        }
    )

    odd, long, fine, strange = events(stripe().pages(api, None))

    assert (odd.op, odd.entity) == (EventOp.SIGNAL, SUBSCRIPTION)
    assert (long.op, long.owner) == (EventOp.SIGNAL, Entity(Kind.CUSTOMER, "cus_2"))
    assert fine.op is EventOp.UPSERT
    assert (strange.op, strange.entity) == (EventOp.SIGNAL, CUSTOMER)


def test_a_deleted_customer_of_a_listed_subscription_is_deleted():
    stub = {"id": "cus_1", "object": "customer", "deleted": True}
    api = stripe_api(lists={SUBSCRIPTIONS: [subscription(1, customer=stub)]})

    gone, _ = events(stripe().pages(api, None))

    assert (gone.op, gone.entity) == (EventOp.DELETE, CUSTOMER)


def test_a_backfill_with_a_key_of_another_mode_stops():
    api = stripe_api(lists={SUBSCRIPTIONS: [subscription(1, livemode=True)]})

    with pytest.raises(Unusable, match="not the configured one"):
        list(stripe(account="test").pages(api, None))


def test_a_finished_backfill_has_nothing_left():
    last = list(stripe().pages(stripe_api(), None))[-1]

    (page,) = stripe().pages(stripe_api(), last.checkpoint)

    assert (page.events, page.last) == ([], True)


# The event feed


def feed_event(number: int, **changes: Any) -> dict[str, Any]:
    payload = sample(stripe(), "customer.updated", id=f"cus_{number}")
    return {**payload, "id": f"evt_{number}", "created": 1_767_225_600 + number, **changes}


def feed(*newest_first: dict[str, Any]) -> FakeApi:
    return stripe_api(lists={"/v1/events": list(newest_first)})


def test_catching_up_replays_the_feed_oldest_first():
    api = feed(*(feed_event(n) for n in reversed(range(250))))

    pages = list(stripe().catch_up(api, NOW, None))

    assert ids(pages) == [f"cus_{n}" for n in range(250)]
    assert [page.last for page in pages] == [False, False, True]
    assert api.asked[0].params["created[gt]"] == NOW // SECOND - 60
    assert "customer.subscription.updated" in api.asked[0].params["types[]"]
    assert len(api.asked[0].params["types[]"]) <= 20


def test_an_event_of_the_feed_is_the_delivery_that_the_webhook_would_have_been():
    payload = feed_event(1)

    (replayed,) = events(stripe().catch_up(feed(payload), NOW, None))

    assert replayed == only(stripe(), payload)


def test_catching_up_goes_on_from_any_page():
    rows = [feed_event(n) for n in reversed(range(250))]
    whole = list(stripe().catch_up(feed(*rows), NOW, None))

    for cut, page in enumerate(whole, start=1):
        api = feed(*rows)
        rest = list(stripe().catch_up(api, NOW, page.checkpoint))

        assert set(ids(whole[:cut])) | set(ids(rest)) == set(ids(whole))
        assert api.asked[0].params["created[gt]"] == page.events[-1].occurred_at // SECOND - 60


def test_catching_up_with_nothing_is_one_empty_last_page_that_does_not_move_the_watermark():
    (page,) = stripe().catch_up(feed(), NOW, None)

    assert (page.events, page.last, page.checkpoint) == ([], True, str(NOW))


def test_an_event_of_the_feed_that_cannot_be_understood_is_fetched_and_stops_nothing():
    odd = sample(stripe(), "customer.subscription.updated", status="frozen")
    nameless = {**sample(stripe(), "customer.created"), "data": {"object": {}}}

    unknown, doubtful = events(stripe().catch_up(feed(odd, nameless), NOW, None))

    assert (doubtful.op, doubtful.entity) == (
        EventOp.SIGNAL,
        Entity(Kind.SUBSCRIPTION, "sub_1DemoAcme000000001"),
    )
    assert (unknown.op, unknown.delivery_id) == (EventOp.IGNORE, nameless["id"])


def test_a_feed_of_another_mode_than_the_configured_one_stops():
    with pytest.raises(Unusable, match="not the configured one"):
        list(stripe(account="live").catch_up(feed(feed_event(1)), NOW, None))
