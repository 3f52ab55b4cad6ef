"""What billing sources do to us on ordinary days, told in every order, must end in the same place in Unkey."""

from __future__ import annotations

import copy
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.ledger import migrate
from unkey_sync.ledger.store import Ledger
from unkey_sync_connectors.samples import load_samples

from tests.contract.billing.site import FREE, MAX, PRO, Site
from tests.unit.connectors.support import FakeApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ORG = "org_acme"
STRIPES_ORG = "org_2demoAcme0000000000000001"
STRIPES_SUBSCRIPTION = "sub_1DemoAcme000000001"
DAY_S = 86_400


def sample(kind: str, event_type: str, path: str = "", **changes: Any) -> dict[str, Any]:
    """A sample, with changes to the object at `path`."""
    payload = copy.deepcopy(dict(load_samples(kind)[event_type]))
    inner: Any = payload
    for step in path.split(".") if path else ():
        inner = inner[step]
    inner.update(changes)
    return payload


@pytest.fixture
def new_ledger(tmp_path: Path) -> Iterator[Callable[[], Ledger]]:
    """Makes empty ledgers: one for each order in which a story can be told."""
    made: list[Ledger] = []

    def one() -> Ledger:
        ledger = Ledger(f"sqlite:///{tmp_path / f'{len(made)}.sqlite3'}")
        migrate.upgrade(ledger.engine)
        made.append(ledger)
        return ledger

    yield one
    for ledger in made:
        ledger.close()


def stripe(ledger: Ledger, api: FakeApi | None = None) -> Site:
    plans = {"pro": 'price = "price_pro"', "max": 'price = "price_max"'}
    site = Site(ledger, "stripe", STRIPES_ORG, api=api, **plans)
    site.deliver(sample("stripe", "customer.created"))
    return site


def stripes(price: str, event_id: str, created: int, **changes: Any) -> dict[str, Any]:
    """A `customer.subscription.updated` with one item of this price."""
    payload = sample("stripe", "customer.subscription.updated", id=event_id, created=created)
    subscription = payload["data"]["object"]
    item = subscription["items"]["data"][0]
    item.update(price={**item["price"], "id": price}, current_period_end=created + 30 * DAY_S)
    subscription.update(changes)
    return payload


AT_S = 1_767_225_700


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(("truth", "limit"), [("price_pro", PRO), ("price_max", MAX)])
def test_stripe_two_changes_in_one_second_end_where_stripe_is(
    order: tuple[int, int], truth: str, limit: int, new_ledger: Callable[[], Ledger]
) -> None:
    pair = (stripes("price_pro", "evt_a", AT_S), stripes("price_max", "evt_b", AT_S))
    now = stripes(truth, "evt_c", AT_S)["data"]["object"]
    api = FakeApi(objects={f"/v1/subscriptions/{STRIPES_SUBSCRIPTION}": now}, date=AT_S * 1_000_000)
    site = stripe(new_ledger(), api)

    for which in order:
        site.deliver(pair[which])

    assert site.limit() == limit


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_stripe_a_thin_event_and_its_twin_are_one_event_with_one_effect(
    order: tuple[int, int], new_ledger: Callable[[], Ledger]
) -> None:
    snapshot = stripes("price_pro", "evt_twin", AT_S)
    thin = sample("stripe", "v1.customer.subscription.updated", snapshot_event="evt_twin")
    api = FakeApi(objects={f"/v1/subscriptions/{STRIPES_SUBSCRIPTION}": snapshot["data"]["object"]})
    site = stripe(new_ledger(), api)
    before = len(site.states())

    site.deliver((snapshot, thin)[order[0]])
    once = site.mutations
    site.deliver((snapshot, thin)[order[1]])

    assert site.limit() == PRO
    assert (len(site.states()), site.mutations) == (before + 1, once)


def test_stripe_thin_events_alone_are_enough(new_ledger: Callable[[], Ledger]) -> None:
    """They name a subscription that nobody has shown us, and not whose it is."""
    shown = stripes("price_pro", "evt_any", AT_S)["data"]["object"]
    api = FakeApi(objects={f"/v1/subscriptions/{STRIPES_SUBSCRIPTION}": shown})
    site = stripe(new_ledger(), api)

    site.deliver(sample("stripe", "v1.customer.subscription.updated", snapshot_event=None))

    assert site.limit() == PRO
    assert site.states() == ["applied", "applied"]


def test_stripe_a_thin_event_that_cannot_be_asked_about_is_parked_and_seen(
    new_ledger: Callable[[], Ledger],
) -> None:
    site = stripe(new_ledger())

    site.deliver(sample("stripe", "v1.customer.subscription.updated"))

    assert site.states() == ["applied", "parked"]


def test_stripe_a_thin_event_about_what_is_gone_is_done(new_ledger: Callable[[], Ledger]) -> None:
    site = stripe(new_ledger(), FakeApi())

    site.deliver(sample("stripe", "v1.customer.subscription.updated"))

    assert (site.limit(), site.states()) == (FREE, ["applied", "applied"])


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_stripe_a_late_update_does_not_bring_back_what_was_deleted(
    order: tuple[int, ...], new_ledger: Callable[[], Ledger]
) -> None:
    deleted = sample("stripe", "customer.subscription.deleted", created=AT_S + 60)
    deleted["data"]["object"]["ended_at"] = AT_S + 60
    story = [stripes("price_pro", "evt_a", AT_S), deleted, stripes("price_pro", "evt_b", AT_S + 60)]
    site = stripe(new_ledger())

    for which in order:
        site.deliver(story[which])

    assert site.limit() == FREE


@pytest.mark.parametrize(
    "customer", ["cus_DemoAcme000001", {"id": "cus_DemoAcme000001", "object": "customer"}]
)
def test_stripe_the_customer_may_be_an_id_or_the_whole_object(
    customer: Any, new_ledger: Callable[[], Ledger]
) -> None:
    site = stripe(new_ledger())

    site.deliver(stripes("price_pro", "evt_a", AT_S, customer=customer))

    assert site.limit() == PRO


@pytest.mark.parametrize("basil", [True, False])
def test_stripe_a_cancelled_subscription_lasts_to_the_end_of_its_period_in_old_and_new_versions(
    basil: bool, new_ledger: Callable[[], Ledger]
) -> None:
    site = stripe(new_ledger())
    payload = stripes("price_pro", "evt_a", AT_S, cancel_at_period_end=True)
    if not basil:
        (item,) = payload["data"]["object"]["items"]["data"]
        payload["data"]["object"]["current_period_end"] = item.pop("current_period_end")
        item.pop("current_period_start")

    site.deliver(payload)
    during = site.limit()
    site.house.clock.advance(31 * DAY_S)
    site.house.settle()

    assert (during, site.limit()) == (PRO, FREE)


POLARS_PRODUCT = "9c1e6a4b-3b5c-4a77-9e76-21d0de000001"
POLARS_BENEFIT = "b3f4a1c2-7c83-4f5f-9ed8-6a3a42000001"


def polar(ledger: Ledger) -> Site:
    plans = {"pro": f'product = "{POLARS_PRODUCT}"', "max": f'entitlement = "{POLARS_BENEFIT}"'}
    return Site(ledger, "polar", ORG, **plans)


def test_polar_one_purchase_in_all_24_orders(new_ledger: Callable[[], Ledger]) -> None:
    names = ("subscription.created", "subscription.active", "subscription.updated")
    state = sample("polar", "customer.state_changed", "data", granted_benefits=[])
    story = [*(sample("polar", name) for name in names), state]
    ends = []

    for order in permutations(story):
        site = polar(new_ledger())
        for payload in order:
            site.deliver(payload)
        ends.append((site.limit(), site.states()))

    assert ends == [(PRO, ["applied"] * 5)] * 24


def test_polar_cancelled_is_not_ended_and_revoked_is(new_ledger: Callable[[], Ledger]) -> None:
    site = polar(new_ledger())

    site.deliver(sample("polar", "subscription.created"))
    site.deliver(sample("polar", "subscription.canceled"))
    cancelled = site.limit()
    site.deliver(sample("polar", "subscription.revoked"))

    assert (cancelled, site.limit()) == (PRO, FREE)


def test_polar_a_benefit_lasts_as_long_as_one_of_its_two_grants(new_ledger: Callable[[], Ledger]) -> None:
    site = polar(new_ledger())
    second = {"id": "grant-2"}

    site.deliver(sample("polar", "subscription.created"))
    site.deliver(sample("polar", "benefit_grant.created"))
    site.deliver(sample("polar", "benefit_grant.created", "data", **second))
    granted = site.limit()
    site.deliver(sample("polar", "benefit_grant.revoked"))
    one_left = site.limit()
    site.deliver(sample("polar", "benefit_grant.revoked", "data", **second))

    assert (granted, one_left, site.limit()) == (MAX, MAX, PRO)


def paddle(ledger: Ledger) -> Site:
    return Site(ledger, "paddle", ORG, pro='price = "pri_01kdvdemopro00000000000001"')


def test_paddle_one_event_to_two_destinations_has_one_effect(new_ledger: Callable[[], Ledger]) -> None:
    site = paddle(new_ledger())

    site.deliver(sample("paddle", "subscription.activated"))
    once = (site.states(), site.mutations)
    site.deliver(sample("paddle", "subscription.activated", notification_id="ntf_other"))

    assert site.limit() == PRO
    assert (site.states(), site.mutations) == once


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_paddle_cancelled_before_updated(order: tuple[int, ...], new_ledger: Callable[[], Ledger]) -> None:
    story = [sample("paddle", f"subscription.{what}") for what in ("activated", "updated", "canceled")]
    site = paddle(new_ledger())

    for which in order:
        site.deliver(story[which])

    assert site.limit() == FREE


def test_paddle_a_scheduled_cancellation_keeps_access_until_it_takes_effect(
    new_ledger: Callable[[], Ledger],
) -> None:
    site = paddle(new_ledger())

    site.deliver(sample("paddle", "subscription.updated"))
    scheduled = site.limit()
    site.house.clock.advance(32 * DAY_S)
    site.house.settle()

    assert (scheduled, site.limit()) == (PRO, FREE)


def test_paddle_fractions_of_three_and_six_digits_are_one_time_line(new_ledger: Callable[[], Ledger]) -> None:
    late = sample(
        "paddle", "subscription.activated", event_id="evt_late", occurred_at="2026-01-01T00:05:00.123456Z"
    )
    early = sample(
        "paddle", "subscription.canceled", event_id="evt_early", occurred_at="2026-01-01T00:05:00.123Z"
    )
    early["data"]["status"] = "paused"
    site = paddle(new_ledger())

    site.deliver(late)
    site.deliver(early)

    assert site.limit() == PRO


LAGOS_NEW = "1a901a90-50b0-4000-8000-000000000002"


def lago(ledger: Ledger) -> Site:
    return Site(ledger, "lago", ORG, pro='plan = "pro"', max='plan = "max"')


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_lago_an_upgrade_ends_with_the_new_plan_in_every_order(
    order: tuple[int, ...], new_ledger: Callable[[], Ledger]
) -> None:
    started = sample("lago", "subscription.started")
    upgraded = sample("lago", "subscription.started", "subscription", lago_id=LAGOS_NEW, plan_code="max")
    story = [started, sample("lago", "subscription.terminated"), upgraded]
    site = lago(new_ledger())

    for which in order:
        site.deliver(story[which], x_lago_unique_key=f"key-{which}")

    assert site.limit() == MAX


def test_lago_a_webhook_that_is_sent_again_is_recognised_by_its_key(new_ledger: Callable[[], Ledger]) -> None:
    site = lago(new_ledger())
    payload = sample("lago", "subscription.started")

    site.deliver(payload, x_lago_unique_key="key-1")
    once = (site.states(), site.mutations)
    site.deliver({**payload, "later": True}, x_lago_unique_key="key-1")

    assert site.limit() == PRO
    assert (site.states(), site.mutations) == once
