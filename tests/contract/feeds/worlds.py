"""Clerk's and Stripe's APIs as they are seen over HTTP: real pages of full-size objects that move while one reads.

A world is an httpx transport. `before` runs ahead of every answer, with its number: it may change the world, answer
something else (429), or raise (a kill).
"""

from __future__ import annotations

import copy
from bisect import bisect_right, insort
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import httpx
import orjson
from unkey_sync.clock import SECOND
from unkey_sync_connectors.samples import load_samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.clock import Clock

BEGAN_S = 1_767_225_600


class World(httpx.BaseTransport):
    """Answers by path. Subclasses have a method for each path in `routes`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.calls = 0
        self.before: Callable[[int], httpx.Response | None] = lambda _: None
        self.routes: dict[str, Callable[[httpx.QueryParams], Any]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        answer = self.before(self.calls)
        if answer is not None:
            return answer
        route = self.routes.get(request.url.path)
        found = route(request.url.params) if route else None
        return httpx.Response(
            404 if found is None else 200,
            headers={"date": formatdate(self.clock.now() // SECOND, usegmt=True)},
            content=orjson.dumps(found),
        )


def too_many(after_s: int = 3) -> httpx.Response:
    return httpx.Response(429, headers={"retry-after": str(after_s)}, content=b"{}")


class ClerkWorld(World):
    """Users in order of creation. `updated`: id -> when, milliseconds; `banned`: ids."""

    def __init__(self, clock: Clock, count: int) -> None:
        super().__init__(clock)
        self.ids = [f"user_{number:07}" for number in range(count)]
        self.updated: dict[str, int] = {}
        self.banned: set[str] = set()
        self._template: dict[str, Any] = dict(load_samples("clerk")["user.updated"]["data"])
        empty = {"data": [], "total_count": 0}
        self.routes = {
            "/v1/users": self._users,
            "/v1/users/count": lambda _: {"total_count": len(self.ids)},
            "/v1/organizations": lambda _: empty,
            "/v1/organization_memberships": lambda _: empty,
            "/v1/billing/subscription_items": lambda _: empty,
        }

    def add(self, user_id: str, at_s: int) -> None:
        insort(self.ids, user_id)
        self.updated[user_id] = at_s * 1_000

    def remove(self, user_id: str) -> None:
        self.ids.remove(user_id)

    def row(self, user_id: str) -> dict[str, Any]:
        at = self.updated.get(user_id, BEGAN_S * 1_000)
        own = {"id": user_id, "external_id": None, "banned": user_id in self.banned}
        return {**self._template, **own, "created_at": at, "updated_at": at}

    def _users(self, params: httpx.QueryParams) -> list[dict[str, Any]]:
        limit = int(params["limit"])
        if params.get("order_by") == "-updated_at":
            newest = sorted(self.ids, key=lambda one: (-self.updated.get(one, BEGAN_S * 1_000), one))
            start = int(params.get("offset", 0))
            return [self.row(one) for one in newest[start : start + limit]]
        start = bisect_right(self.ids, params["starting_after"]) if "starting_after" in params else 0
        return [self.row(one) for one in self.ids[start : start + limit]]


class StripeWorld(World):
    """Subscriptions with their customers, and the events of the last thirty days, newest first."""

    def __init__(self, clock: Clock, count: int) -> None:
        super().__init__(clock)
        self.numbers = list(range(count))
        self.status: dict[int, str] = {}
        self.events: list[dict[str, Any]] = []
        self._sample = load_samples("stripe")["customer.subscription.updated"]
        self._customer = load_samples("stripe")["customer.created"]["data"]["object"]
        self.routes = {
            "/v1/subscriptions": lambda params: self._page(params, "sub", self.subscription),
            "/v1/customers": lambda params: self._page(params, "cus", self.customer),
            "/v1/events": self._events,
        }

    def customer(self, number: int) -> dict[str, Any]:
        return {**self._customer, "id": f"cus_{number:07}", "metadata": {"user_id": f"user_{number:07}"}}

    def subscription(self, number: int) -> dict[str, Any]:
        return {
            **self._sample["data"]["object"],
            "id": f"sub_{number:07}",
            "customer": self.customer(number),
            "status": self.status.get(number, "active"),
            "metadata": {},
        }

    def change(self, number: int, status: str, at_s: int) -> None:
        """A subscription changes, and Stripe writes an event about it."""
        self.status[number] = status
        event = copy.deepcopy(dict(self._sample))
        subject = {**self.subscription(number), "customer": f"cus_{number:07}"}
        event.update(id=f"evt_{len(self.events)}", created=at_s, data={"object": subject})
        self.events.insert(0, event)

    def _page(
        self, params: httpx.QueryParams, prefix: str, row: Callable[[int], dict[str, Any]]
    ) -> dict[str, Any]:
        after = params.get("starting_after")
        start = bisect_right(self.numbers, int(after.removeprefix(f"{prefix}_"))) if after else 0
        chosen = self.numbers[start : start + int(params["limit"])]
        return {
            "object": "list",
            "data": [row(number) for number in chosen],
            "has_more": start + len(chosen) < len(self.numbers),
        }

    def _events(self, params: httpx.QueryParams) -> dict[str, Any]:
        recent = [one for one in self.events if one["created"] > int(params["created[gt]"])]
        after = params.get("starting_after")
        start = next((at + 1 for at, one in enumerate(recent) if one["id"] == after), 0)
        chosen = recent[start : start + int(params["limit"])]
        return {"object": "list", "data": chosen, "has_more": start + len(chosen) < len(recent)}
