"""Lago's API: one object as it is now.

Source: Lago's API reference. A subscription is found among its customer's, because the API names it by an id
that several share. Plans and features are not fetched: they only ever wake somebody up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from unkey_sync_connectors import observed
from unkey_sync_connectors.base import Gone, Unusable
from unkey_sync_connectors.event import Entity, Event, Kind
from unkey_sync_connectors.lago import bodies
from unkey_sync_connectors.listings import Listing, Numbered, walk
from unkey_sync_connectors.payload import Fields

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Api, SourceConfig

CUSTOMERS = "/api/v1/customers"
SUBSCRIPTIONS = "/api/v1/subscriptions"
EVERY_STATUS = ("pending", "incomplete", "active", "terminated", "canceled")
STEP = Numbered(total="meta.total_count")


def fetch(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    """The object as an upsert, or a delete when Lago does not know it. Raises Unusable."""
    try:
        return _read(config, api, entity, owner)
    except Gone as gone:
        return observed.deleted(observed.blank(config, observed.FETCH, gone.date), entity, owner)


def _read(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    match entity.kind:
        case Kind.CUSTOMER:
            reply = api.get(f"{CUSTOMERS}/{quote(entity.id, safe='')}")
            blank = observed.blank(config, observed.FETCH, reply.date)
            data = Fields(reply.data).fields("customer")
            return observed.versioned(bodies.customer(blank, data, config.metadata_keys))
        case Kind.SUBSCRIPTION | Kind.ENTITLEMENTS:
            return _subscription(config, api, entity, owner)
        case _:
            return replace(observed.blank(config, observed.FETCH, None), entity=entity)


def _subscription(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    if owner is None:
        raise Unusable("a subscription can be read through its customer only, and no customer is known")
    params = {"external_customer_id": owner.id, "status[]": EVERY_STATUS}
    blank = observed.blank(config, observed.FETCH, None)
    for page in walk(api, Listing(SUBSCRIPTIONS, "subscriptions", params), STEP):
        blank = observed.blank(config, observed.FETCH, page.date)
        row = next((row for row in page.rows if row.id("lago_id") == entity.id), None)
        if row is not None and entity.kind is Kind.SUBSCRIPTION:
            return observed.versioned(bodies.subscription(blank, row))
        if row is not None:
            return observed.versioned(bodies.entitlements(blank, row, features_of(api, row)))
    return observed.deleted(blank, entity, owner)


def features_of(api: Api, subscription: Fields) -> list[Fields]:
    """The features of a subscription as they are now; none where the installation has none."""
    path = f"{SUBSCRIPTIONS}/{quote(subscription.id('external_id'), safe='')}/entitlements"
    try:
        return Fields(api.get(path).data).each("entitlements")
    except Gone:
        return []
