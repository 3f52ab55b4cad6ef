"""Polar's, Paddle's and Lago's APIs as they are seen over HTTP: their lists, their paging, their ways to look back."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from unkey_sync.clock import SECOND
from unkey_sync_connectors.samples import load_samples
from unkey_sync_connectors.timestamps import to_iso

from tests.contract.feeds.worlds import BEGAN_S, World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx
    from unkey_sync.clock import Clock

Row = dict[str, Any]


class BillingWorld(World):
    """Customers `cus_N`, each with a subscription `sub_N`. `status`: what is not active; `changed`: when, seconds."""

    kind = ""

    def __init__(self, clock: Clock, count: int) -> None:
        super().__init__(clock)
        self._samples = load_samples(self.kind)
        self.numbers = list(range(count))
        self.status: dict[int, str] = {}
        self.changed: dict[int, int] = {}

    def sample(self, event_type: str) -> Row:
        return copy.deepcopy(dict(self._samples[event_type]))

    def at(self, number: int) -> str:
        return iso(self.changed.get(number, BEGAN_S))

    def change(self, number: int, status: str, at_s: int) -> None:
        """A subscription changes while nobody listens to the webhook."""
        self.status[number] = status
        self.changed[number] = at_s


class PolarWorld(BillingWorld):
    """Pages by number, at most 100 rows. Deliveries are attempts, newest first: ten of them before Polar gives up."""

    kind = "polar"

    def __init__(self, clock: Clock, count: int) -> None:
        super().__init__(clock, count)
        self.attempts: list[Row] = []
        self.events = 0
        self.routes = {
            "/v1/customers/": lambda params: self._page(params, [self.customer(n) for n in self.numbers]),
            "/v1/subscriptions/": lambda params: self._page(
                params, [self.subscription(n) for n in self.numbers]
            ),
            "/v1/webhooks/deliveries": self._deliveries,
        }

    def customer(self, number: int) -> Row:
        own = {"id": f"cus_{number:07}", "external_id": None, "metadata": {"user_id": f"user_{number:07}"}}
        return {**self.sample("customer.created")["data"], **own}

    def subscription(self, number: int) -> Row:
        """`modified_at` stays null, as it does at Polar."""
        customer = self.customer(number)
        own = {"id": f"sub_{number:07}", "customer": customer, "customer_id": customer["id"]}
        status = self.status.get(number, "active")
        return {**self.sample("subscription.updated")["data"], **own, "status": status}

    def change(self, number: int, status: str, at_s: int) -> None:
        super().change(number, status, at_s)
        self.events += 1
        body = self.sample("subscription.updated")
        body |= {"timestamp": iso(at_s), "data": self.subscription(number)}
        event = {"id": f"evt_{self.events:05}", "type": body["type"], "payload": orjson.dumps(body).decode()}
        tried_at = at_s
        for attempt in range(10):
            self.attempts.append(
                {"succeeded": False, "created_at": tried_at, "http_code": 503, "webhook_event": event}
            )
            tried_at += min(2 * 2**attempt, 1_200)

    def _deliveries(self, params: httpx.QueryParams) -> Row:
        """Attempts before now, of the wanted outcome, since the wanted time."""
        since = datetime.fromisoformat(params["start_timestamp"]).timestamp()
        wanted = params["succeeded"] == "true"
        found = [
            one
            for one in sorted(self.attempts, key=lambda one: -one["created_at"])
            if one["succeeded"] is wanted and since <= one["created_at"] <= self.clock.now() // SECOND
        ]
        return self._page(params, [{**one, "created_at": iso(one["created_at"])} for one in found])

    def _page(self, params: httpx.QueryParams, rows: Sequence[Row]) -> Row:
        limit, page = int(params.get("limit", 10)), int(params.get("page", 1))
        assert limit <= 100, "422: at most 100"
        chosen = rows[(page - 1) * limit : page * limit]
        pages = -(-len(rows) // limit)
        return {"items": list(chosen), "pagination": {"total_count": len(rows), "max_page": pages}}


class PaddleWorld(BillingWorld):
    """Pages by the id that came last, with a URL to go on even on the last page. `/events` holds what was said."""

    kind = "paddle"

    def __init__(self, clock: Clock, count: int) -> None:
        super().__init__(clock, count)
        self.events: list[Row] = []
        self.routes = {
            "/customers": lambda params: self._page(params, "id", [self.customer(n) for n in self.numbers]),
            "/subscriptions": lambda params: self._page(
                params, "id", [self.subscription(n) for n in self.numbers]
            ),
            "/events": self._events,
        }

    def customer(self, number: int) -> Row:
        own = {"id": f"ctm_{number:07}", "custom_data": {"user_id": f"user_{number:07}"}}
        dates = {"created_at": iso(BEGAN_S), "updated_at": iso(BEGAN_S)}
        return {**self.sample("customer.created")["data"], **own, **dates}

    def subscription(self, number: int) -> Row:
        own = {"id": f"sub_{number:07}", "customer_id": f"ctm_{number:07}", "custom_data": None}
        state = {"status": self.status.get(number, "active"), "updated_at": self.at(number)}
        return {**self.sample("subscription.updated")["data"], **own, **state}

    def change(self, number: int, status: str, at_s: int) -> None:
        super().change(number, status, at_s)
        body = self.sample("subscription.updated")
        name = {"event_id": f"evt_{len(self.events):05}", "event_type": "subscription.past_due"}
        self.events.append({**body, **name, "occurred_at": iso(at_s), "data": self.subscription(number)})
        noise = {"event_id": f"evt_{len(self.events):05}", "event_type": "transaction.past_due"}
        self.events.append({**body, **noise, "occurred_at": iso(at_s), "data": {"id": "txn_1"}})

    def _events(self, params: httpx.QueryParams) -> Row:
        since, types = params["from"], params["event_type"].split(",")
        found = [
            {name: value for name, value in one.items() if name != "notification_id"}
            for one in self.events
            if one["occurred_at"] >= since and one["event_type"] in types
        ]
        return self._page(params, "event_id", found)

    def _page(self, params: httpx.QueryParams, name: str, rows: Sequence[Row]) -> Row:
        """Paddle gives no more than 200, whatever is asked for."""
        size, after = min(int(params.get("per_page", 50)), 200), params.get("after")
        wanted = params["status"].split(",") if "status" in params else None
        kept = [row for row in rows if wanted is None or row["status"] in wanted]
        start = next((at + 1 for at, row in enumerate(kept) if row[name] == after), 0)
        chosen = kept[start : start + size]
        last = chosen[-1][name] if chosen else after or ""
        following = f"https://api.paddle.com/any?after={last}&per_page={size}"
        more = start + len(chosen) < len(kept)
        return {
            "data": chosen,
            "meta": {"pagination": {"per_page": size, "next": following, "has_more": more}},
        }


class LagoWorld(BillingWorld):
    """Pages by number, at most 100 rows; without a wanted status only active subscriptions. Remembers no events."""

    kind = "lago"

    def __init__(self, clock: Clock, count: int) -> None:
        super().__init__(clock, count)
        self.successors: list[Row] = []
        self.routes = {
            "/api/v1/customers": lambda params: self._page(
                params, "customers", [self.customer(n) for n in self.numbers]
            ),
            "/api/v1/subscriptions": self._subscriptions,
        }

    def customer(self, number: int) -> Row:
        own = {"external_id": f"cus_{number:07}", "updated_at": iso(BEGAN_S)}
        pair = {"key": "user_id", "value": f"user_{number:07}"}
        return {**self.sample("customer.created")["customer"], **own, "metadata": [pair]}

    def subscription(self, number: int) -> Row:
        """As the API shows it: without its features."""
        own = {"lago_id": f"sub_{number:07}", "external_customer_id": f"cus_{number:07}"}
        ended = self.at(number) if number in self.changed else None
        state = {"status": self.status.get(number, "active"), "terminated_at": ended}
        found = {**self.sample("subscription.started")["subscription"], **own, **state}
        return {name: value for name, value in found.items() if name not in ("entitlements", "plan")}

    def upgrade(self, number: int, plan: str, at_s: int) -> None:
        """The subscription ends and another one, under the same external id, takes its place."""
        follows = {"lago_id": f"sub_{number:07}_new", "plan_code": plan, "started_at": iso(at_s)}
        self.successors.append({**self.subscription(number), **follows})
        self.change(number, "terminated", at_s)

    def _subscriptions(self, params: httpx.QueryParams) -> Row:
        statuses = params.get_list("status[]") or ["active"]
        rows = [*(self.subscription(number) for number in self.numbers), *self.successors]
        return self._page(params, "subscriptions", [row for row in rows if row["status"] in statuses])

    def _page(self, params: httpx.QueryParams, name: str, rows: Sequence[Row]) -> Row:
        size, page = min(int(params.get("per_page", 100)), 100), int(params.get("page", 1))
        pages = -(-len(rows) // size)
        following = page + 1 if page < pages else None
        meta = {"current_page": page, "next_page": following, "total_pages": pages, "total_count": len(rows)}
        return {name: list(rows[(page - 1) * size : page * size]), "meta": meta}


def iso(at_s: int) -> str:
    return to_iso(at_s * SECOND)


BILLING_WORLDS: dict[str, Callable[[Clock, int], Any]] = {
    "polar": PolarWorld,
    "paddle": PaddleWorld,
    "lago": LagoWorld,
}
