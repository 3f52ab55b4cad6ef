"""Stripe's API: one object as it is now.

Source: Stripe's API reference. Products and prices are not fetched: they only ever wake somebody up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from unkey_sync_connectors import observed
from unkey_sync_connectors.base import Gone
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind
from unkey_sync_connectors.payload import Fields
from unkey_sync_connectors.stripe import bodies, orders
from unkey_sync_connectors.stripe.bodies import Account, Reading
from unkey_sync_connectors.stripe.walking import Listing, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from unkey_sync_connectors.base import Api, ApiReply, ApiStream, SourceConfig


_SESSIONS = "/v1/checkout/sessions/"


def fetch(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    """The object as an upsert, or a delete when Stripe does not know it. Raises Unusable."""
    connected, _, object_id = entity.id.rpartition("/")
    source = _Connected(api, connected) if connected else api
    reader = _READERS.get(entity.kind)
    if reader is None:
        return replace(observed.blank(config, observed.FETCH, None), entity=entity)
    try:
        return observed.versioned(reader(_Question(config, source, connected, object_id)))
    except Gone as gone:
        return observed.deleted(observed.blank(config, observed.FETCH, gone.date), entity, owner)


def reading_of(config: SourceConfig, base: Event, account: Account) -> Reading:
    """How to read an object of the API. Raises Unusable when the API key is of another account."""
    account.check(config)
    return Reading(replace(base, account=account.name), account, config.metadata_keys)


class _Connected:
    """The API on behalf of a connected account (Stripe docs, "Making API calls for connected accounts")."""

    def __init__(self, api: Api, account: str) -> None:
        self._api = api
        self._account = account

    def get(
        self,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiReply:
        return self._api.get(path, params, {**(headers or {}), "stripe-account": self._account})

    def stream(
        self,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[ApiStream]:
        return self._api.stream(path, params, {**(headers or {}), "stripe-account": self._account})


class _Question:
    """One object to read."""

    def __init__(self, config: SourceConfig, api: Api, connected: str, object_id: str) -> None:
        self.config = config
        self.api = api
        self.connected = connected
        self.id = object_id

    def get(
        self, path: str, params: Mapping[str, str | Sequence[str]] | None = None
    ) -> tuple[Reading, Fields]:
        reply = self.api.get(path + quote(self.id, safe=""), params)
        o = Fields(reply.data)
        return self.reading(reply.date, o.flag("livemode")), o

    def reading(self, date: int | None, live: bool) -> Reading:
        base = observed.blank(self.config, observed.FETCH, date)
        return reading_of(self.config, base, Account(self.connected, live))


def _customer(question: _Question) -> Event:
    return bodies.customer(*question.get("/v1/customers/"))


def _checkout(question: _Question) -> Event:
    return bodies.checkout(*question.get(_SESSIONS))


def _subscription(question: _Question) -> Event:
    reading, o = question.get("/v1/subscriptions/")
    if not o.flag("items.has_more"):
        return bodies.subscription(reading, o)
    listed = list(walk(question.api, Listing("/v1/subscription_items", {"subscription": question.id})))
    return bodies.subscription(reading, o, [row for page in listed for row in page.rows])


def _entitlements(question: _Question) -> Event:
    """An empty list does not say which mode it is of; then the configuration does."""
    listing = Listing("/v1/entitlements/active_entitlements", {"customer": question.id})
    listed = list(walk(question.api, listing))
    rows = [row for page in listed for row in page.rows]
    live = rows[0].flag("livemode") if rows else question.config.account.endswith("live")
    return bodies.entitlements(
        question.reading(listed[0].date, live), Fields({"customer": question.id}), rows
    )


def _order(question: _Question) -> Event:
    """A purchase by its payment or by its checkout; the other name of the same purchase names nothing."""
    by_payment = question.id.startswith(orders.PAYMENT_INTENT)
    reading, o = _paid(question) if by_payment else question.get(_SESSIONS, {"expand[]": ["line_items"]})
    if orders.order_id(o) != question.id:
        raise Gone("a purchase is known by its payment", date=reading.blank.version)
    event = orders.order(reading, o, _lines(question, o))
    if event.op is EventOp.IGNORE:
        raise Gone("nothing was bought once, or by nobody", date=reading.blank.version)
    return event


def _paid(question: _Question) -> tuple[Reading, Fields]:
    """The checkout of a payment. Raises Gone: a payment without one is no purchase that anybody made."""
    expanded = [f"data.{name}" for name in ("line_items", "payment_intent.latest_charge")]
    params = {"payment_intent": question.id, "expand[]": expanded}
    reply = question.api.get(_SESSIONS.rstrip("/"), params)
    found = next(iter(Fields(reply.data).each("data")), None)
    if found is None:
        raise Gone("no checkout of this payment", date=reply.date)
    return question.reading(reply.date, found.flag("livemode")), found


def _lines(question: _Question, o: Fields) -> list[Fields]:
    if not o.flag("line_items.has_more"):
        return o.each("line_items.data")
    listing = Listing(f"{_SESSIONS}{quote(o.id('id'), safe='')}/line_items", {})
    return [row for page in walk(question.api, listing) for row in page.rows]


_READERS: dict[Kind, Callable[[_Question], Event]] = {
    Kind.CUSTOMER: _customer,
    Kind.CHECKOUT: _checkout,
    Kind.SUBSCRIPTION: _subscription,
    Kind.ENTITLEMENTS: _entitlements,
    Kind.ORDER: _order,
}
