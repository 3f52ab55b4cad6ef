"""What the connectors' tests share: configured sources, signed deliveries, a source API in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from unkey_sync_connectors.base import ApiReply, Connector, Delivery, Gone, SourceConfig
from unkey_sync_connectors.clerk import Clerk
from unkey_sync_connectors.stripe import Stripe

from tests.apis import NoStreams

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from unkey_sync_connectors.event import Event

SECOND = 1_000_000
NOW = 1_767_225_600 * SECOND
SECRET = "whsec_dW5pdC10ZXN0LWtleS0wMTIzNDU2Nzg5YWJjZGVmISE="


def source(kind: str, **changes: Any) -> SourceConfig:
    settings = {
        "name": kind,
        "kind": kind,
        "secrets": (SECRET,),
        "metadata_keys": frozenset({"org_id", "user_id"}),
    }
    return SourceConfig(**{**settings, **changes})


def clerk(**changes: Any) -> Clerk:
    return Clerk(source("clerk", **changes))


def stripe(**changes: Any) -> Stripe:
    return Stripe(source("stripe", **changes))


def signed(connector: Connector, payload: Mapping[str, Any] | bytes) -> Delivery:
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return Delivery(body, connector.sign(body, NOW))


def read(connector: Connector, payload: Mapping[str, Any] | bytes) -> Sequence[Event]:
    """What the source makes of a delivery that it signed itself."""
    delivery = signed(connector, payload)
    connector.verify(delivery, NOW)
    return connector.parse(delivery)


def only(connector: Connector, payload: Mapping[str, Any]) -> Event:
    (event,) = read(connector, payload)
    return event


def sample(connector: Connector, event_type: str, **data: Any) -> dict[str, Any]:
    """A sample of ours with changes to Clerk's `data` or Stripe's `data.object`."""
    payload: dict[str, Any] = orjson.loads(orjson.dumps(connector.samples()[event_type]))
    if data:
        (payload["data"]["object"] if connector.kind == "stripe" else payload["data"]).update(data)
    return payload


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that an API got."""

    path: str
    params: dict[str, Any]
    headers: dict[str, str]


@dataclass(slots=True)
class FakeApi(NoStreams):
    """A source's API in memory. `objects` by path; `lists` by path are paged the way the vendor pages.

    `before` runs before each answer, with the number of the request: the world moves while we list.
    """

    objects: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    date: int | None = NOW
    page_size: int = 1_000
    bare: frozenset[str] = frozenset({"/v1/users"})
    by_offset: bool = True
    before: Callable[[int], None] = lambda _: None
    asked: list[Asked] = field(default_factory=list)

    def get(
        self,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiReply:
        self.before(len(self.asked))
        self.asked.append(Asked(path, dict(params or {}), dict(headers or {})))
        if path in self.lists:
            return ApiReply(self._list(path, dict(params or {})), self.date)
        if path not in self.objects:
            raise Gone(path, date=self.date)
        return ApiReply(self.objects[path], self.date)

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def _list(self, path: str, params: dict[str, Any]) -> Any:
        rows = self.lists[path]
        start = int(params.get("offset", 0))
        after = params.get("starting_after")
        if after is not None:
            ids = [row["id"] for row in rows]
            if after not in ids:
                raise Gone(path, date=self.date)
            start = ids.index(after) + 1
        page = rows[start : start + min(int(params["limit"]), self.page_size)]
        if not self.by_offset:
            return {"object": "list", "data": page, "has_more": start + len(page) < len(rows)}
        return page if path in self.bare else {"data": page, "total_count": len(rows)}


def clerk_api(**changes: Any) -> FakeApi:
    lists = changes.pop("lists", {})
    paths = (
        "/v1/users",
        "/v1/organizations",
        "/v1/organization_memberships",
        "/v1/billing/subscription_items",
    )
    full: dict[str, list[dict[str, Any]]] = {path: lists.get(path, []) for path in paths}
    return FakeApi(lists={**lists, **full}, **changes)


def stripe_api(**changes: Any) -> FakeApi:
    lists = changes.pop("lists", {})
    full: dict[str, list[dict[str, Any]]] = {path: [] for path in ("/v1/subscriptions", "/v1/customers")}
    return FakeApi(lists={**full, **lists}, by_offset=False, **changes)
