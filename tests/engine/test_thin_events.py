"""Events that say which object changed and not whose it is: it is read, and then belongs to somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.ledger.tables import facts

from tests import makers
from tests.engine.test_purchases import CUSTOMER, FREE, Stall

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

SUBSCRIPTION = {
    "id": "sub_9",
    "customer": CUSTOMER,
    "status": "active",
    "livemode": False,
    "items": {"data": [{"id": "si_1", "price": {"id": "price_1", "lookup_key": "team"}}], "has_more": False},
}
LINKED = makers.customer(CUSTOMER, metadata={"org_id": "org_1"})


@pytest.fixture
def stall(ledger: Ledger) -> Stall:
    made = Stall(ledger)
    made.till.routes["/v1/subscriptions/sub_9"] = lambda _: SUBSCRIPTION
    return made


def thin(event_type: str, object_id: str) -> dict[str, Any]:
    return {
        "object": "v2.core.event",
        "id": f"evt_{object_id}",
        "type": f"v1.{event_type}",
        "created": 1_767_225_600,
        "livemode": False,
        "related_object": {"id": object_id, "type": "object"},
    }


@pytest.mark.parametrize("customer_first", [True, False])
def test_a_thin_event_of_an_unknown_subscription_has_it_read(stall: Stall, customer_first: bool) -> None:
    if customer_first:
        stall.house.accept(LINKED)
        stall.wait()
    stall.deliver(thin("customer.subscription.created", "sub_9"))
    stall.wait()
    if not customer_first:
        stall.house.accept(LINKED)

    assert stall.wait() == 1000
    assert stall.till.asked == ["/v1/subscriptions/sub_9"]
    assert stall.house.identity("?stripe:subscription:sub_9") is None


def test_a_thin_event_of_what_is_gone_is_finished(stall: Stall) -> None:
    stall.deliver(thin("customer.subscription.deleted", "sub_gone"))

    assert stall.wait() == FREE
    assert stall.till.asked == ["/v1/subscriptions/sub_gone"]


def test_a_thin_event_of_the_catalogue_is_read_by_nobody(stall: Stall) -> None:
    stall.deliver(thin("price.updated", "price_1"))

    stall.wait()

    assert stall.till.asked == []
    with stall.house.ledger.engine.connect() as connection:
        assert {row.subject for row in connection.execute(facts.select()) if row.source == "stripe"} == {None}


def test_a_refund_that_names_nobody_before_its_purchase_is_known_gives_nothing(stall: Stall) -> None:
    paid = stall.event("checkout.session.completed")
    stall.till.refunded = True
    stall.deliver(stall.event("charge.refunded", customer=None))
    stall.wait()

    stall.deliver(paid)

    assert stall.wait() == FREE
