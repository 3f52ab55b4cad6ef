"""Credits bought at Stripe, from the signed webhook to the key: given once, taken back once, whatever is repeated."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
from unkey_sync.clock import SECOND, FakeClock
from unkey_sync.configfile import parse_document
from unkey_sync.engine.doubts import SourceAccess
from unkey_sync.feeder import Feeder
from unkey_sync.intake import Intake
from unkey_sync.policy import read_policy
from unkey_sync.sourceapi import ApiAccess, HttpSourceApi
from unkey_sync_connectors.base import Delivery, SourceConfig
from unkey_sync_connectors.samples import load_samples
from unkey_sync_connectors.stripe import Stripe

from tests import makers
from tests.contract.feeds.worlds import World
from tests.engine.test_credits import POLICY, balance
from tests.house import House

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

CUSTOMER, PAYMENT, SESSION = (
    "cus_DemoAcme000001",
    "pi_3DemoCredits0000001",
    "cs_test_demo0000000000000000000002",
)
COMPLETED, SUCCEEDED = "checkout.session.completed", "checkout.session.async_payment_succeeded"
REFUNDED = "charge.refunded"
FREE, BOUGHT = 100, 3000


class Till(World):
    """Stripe's API with one checkout of three pieces, and the events that it told."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.status = "paid"
        self.refunded = False
        self.told: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.routes = {
            "/v1/checkout/sessions": self._sessions,
            "/v1/events": lambda _: {"data": self.told[::-1], "has_more": False},
            "/v1/customers": lambda _: {"data": [], "has_more": False},
            "/v1/subscriptions": lambda _: {"data": [], "has_more": False},
        }

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        return super().handle_request(request)

    def _sessions(self, params: httpx.QueryParams) -> dict[str, Any]:
        assert params.get_list("expand[]") == ["data.line_items", "data.payment_intent.latest_charge"]
        return {"data": [self.session()] if params["payment_intent"] == PAYMENT else []}

    def session(self) -> dict[str, Any]:
        shown = orjson.loads(orjson.dumps(load_samples("stripe")[SUCCEEDED]))["data"]["object"]
        charge = {"id": "ch_1", "refunded": self.refunded}
        line = {"id": "li_1", "price": {"id": "price_1000", "product": "prod_1"}, "quantity": 3}
        return {
            **shown,
            "client_reference_id": "org_1",
            "metadata": {},
            "payment_status": self.status,
            "payment_intent": {"id": PAYMENT, "latest_charge": charge},
            "line_items": {"data": [line], "has_more": False},
        }


class Stall:
    """A house that sells credits through Stripe."""

    def __init__(self, ledger: Ledger, text: str = POLICY.replace("CHANGE", "reset")) -> None:
        policy = read_policy(parse_document(text.encode(), "test.toml"))
        config = SourceConfig(
            name="stripe",
            kind="stripe",
            secrets=("whsec_stall",),
            metadata_keys=policy.metadata_keys,
            orders="stripe" in policy.top_up_sources,
        )
        self.stripe = Stripe(config)
        self.till = Till(FakeClock())
        assert self.stripe.api is not None
        reach = ApiAccess(source="stripe", spec=self.stripe.api, key="sk")
        api = HttpSourceApi(reach, FakeClock(), lambda: 0.5, self.till)
        self.access = SourceAccess(self.stripe, api)
        self.house = House(ledger, policy, sources={"stripe": self.access})
        self.till.clock = self.house.clock
        self.house.accept(makers.organization())
        self.wait()

    def event(self, event_type: str, **changes: Any) -> dict[str, Any]:
        """What Stripe tells now; only its API knows the lines and the refund."""
        sample = COMPLETED if event_type == COMPLETED else event_type
        payload: dict[str, Any] = orjson.loads(orjson.dumps(load_samples("stripe")[sample]))
        payload |= {"id": f"evt_{len(self.till.told)}", "created": self.house.clock.now() // SECOND}
        if event_type != REFUNDED:
            shown = {**self.till.session(), "payment_intent": PAYMENT}
            del shown["line_items"]
            payload["data"]["object"] = shown
        payload["data"]["object"] |= changes
        self.till.told.append(payload)
        return payload

    def deliver(self, payload: dict[str, Any]) -> None:
        body, now = orjson.dumps(payload), self.house.clock.now()
        delivery = Delivery(body, self.stripe.sign(body, now))
        self.stripe.verify(delivery, now)
        self.house.inbox.accept([Intake("stripe", tuple(self.stripe.parse(delivery)), body)])

    def replay(self) -> None:
        feeder = Feeder(self.house.ledger, self.house.inbox, self.house.clock, lambda: None)
        assert list(feeder.catch_up("stripe", self.access, since=0))[-1].complete

    def wait(self) -> int | None:
        """Until all is quiet; the balance then."""
        self.house.settle()
        self.house.clock.advance(31)
        self.house.settle()
        return balance(self.house)


@pytest.fixture
def stall(ledger: Ledger) -> Stall:
    return Stall(ledger)


def test_a_paid_checkout_raises_the_balance_once_and_its_refund_takes_it_back_once(stall: Stall) -> None:
    paid = stall.event(COMPLETED)
    stall.deliver(paid)
    given = stall.wait()
    asked = len(stall.till.asked)

    stall.deliver(paid)
    again = stall.wait()
    stall.replay()
    replayed = stall.wait()
    asked_again = stall.till.asked[asked:]

    stall.till.refunded = True
    refund = stall.event(REFUNDED)
    stall.deliver(refund)
    back = stall.wait()
    stall.deliver(refund)
    stall.deliver(paid)
    stall.replay()
    after_all = stall.wait()

    assert (given, again, replayed) == (FREE + BOUGHT,) * 3
    assert asked_again == ["/v1/events"]
    assert (back, after_all) == (FREE, FREE)


def test_a_payment_that_takes_its_time_gives_nothing_before_it_succeeds(stall: Stall) -> None:
    stall.till.status = "unpaid"
    stall.deliver(stall.event(COMPLETED))
    before = stall.wait()

    stall.till.status = "paid"
    stall.deliver(stall.event(SUCCEEDED))

    assert (before, stall.wait()) == (FREE, FREE + BOUGHT)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_in_every_order_of_arrival_a_refunded_purchase_gives_nothing(
    stall: Stall, order: tuple[int, ...]
) -> None:
    stall.till.status = "unpaid"
    told = [stall.event(COMPLETED)]
    stall.till.status = "paid"
    told.append(stall.event(SUCCEEDED))
    stall.till.refunded = True
    told.append(stall.event(REFUNDED))

    for number in order:
        stall.deliver(told[number])
        stall.wait()

    assert balance(stall.house) == FREE


def test_a_part_that_is_given_back_takes_nothing(stall: Stall) -> None:
    stall.deliver(stall.event(COMPLETED))
    stall.wait()

    stall.deliver(stall.event(REFUNDED, refunded=False, amount_refunded=5))

    assert stall.wait() == FREE + BOUGHT


def test_a_purchase_waits_for_stripe_to_be_reachable_and_is_given_once(stall: Stall) -> None:
    paid = stall.event(COMPLETED)
    stall.till.before = lambda _: httpx.Response(503)
    stall.deliver(paid)
    stall.house.work()
    down = balance(stall.house)

    stall.till.before = lambda _: None
    stall.deliver(paid)

    assert (down, stall.wait()) == (FREE, FREE + BOUGHT)


def test_a_webhook_that_was_never_delivered_is_caught_up(stall: Stall) -> None:
    stall.event(COMPLETED)

    stall.replay()

    assert stall.wait() == FREE + BOUGHT


def test_a_backfill_lists_no_purchases(stall: Stall) -> None:
    feeder = Feeder(stall.house.ledger, stall.house.inbox, stall.house.clock, lambda: None)

    assert list(feeder.backfill("stripe", stall.access))[-1].complete
    assert stall.wait() == FREE
    assert set(stall.till.asked) == {"/v1/customers", "/v1/subscriptions"}


def test_where_no_top_up_names_the_source_nothing_is_asked_and_nothing_is_parked(ledger: Ledger) -> None:
    stall = Stall(ledger, POLICY.replace("CHANGE", "reset").replace('"stripe", price', '"paddle", price'))

    stall.deliver(stall.event(COMPLETED))
    stall.deliver(stall.event(REFUNDED))

    assert stall.wait() == FREE
    assert stall.till.asked == []
    with ledger.transaction() as tx:
        assert tx.events.page(state="parked", source=None, limit=10) == []


def test_a_first_purchase_may_be_all_that_is_known_of_a_customer(stall: Stall) -> None:
    stall.house.accept(makers.order(metadata={"org_id": "org_1"}))

    assert stall.wait() == FREE + 1000


@pytest.mark.parametrize("thin_first", [True, False])
def test_a_thin_twin_hides_no_purchase(stall: Stall, thin_first: bool) -> None:
    paid = stall.event(COMPLETED)
    thin = {
        "object": "v2.core.event",
        "id": "evt_thin",
        "type": f"v1.{COMPLETED}",
        "created": paid["created"],
        "livemode": False,
        "related_object": {"id": SESSION, "type": "checkout.session"},
        "snapshot_event": paid["id"],
    }
    stall.till.routes[f"/v1/checkout/sessions/{SESSION}"] = lambda _: stall.till.session()

    for payload in [thin, paid] if thin_first else [paid, thin]:
        stall.deliver(payload)
        stall.wait()

    assert balance(stall.house) == FREE + BOUGHT


def test_a_refund_that_names_nobody_before_its_purchase_is_known_gives_nothing(stall: Stall) -> None:
    paid = stall.event(COMPLETED)
    stall.till.refunded = True
    stall.deliver(stall.event(REFUNDED, customer=None))
    stall.wait()
    asked = list(stall.till.asked)

    stall.deliver(paid)

    assert asked == ["/v1/checkout/sessions"]
    assert stall.wait() == FREE
