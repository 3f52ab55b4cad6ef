"""Polar's API: one object as it is now.

Source: Polar's API reference. A grant is shown only inside its customer's state. Products are not fetched: they
only ever wake somebody up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from unkey_sync_connectors import observed
from unkey_sync_connectors.base import Gone, Unusable
from unkey_sync_connectors.event import Entity, Event, Kind
from unkey_sync_connectors.payload import Fields
from unkey_sync_connectors.polar import bodies

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync_connectors.base import Api, SourceConfig

CUSTOMERS = "/v1/customers/"
SUBSCRIPTIONS = "/v1/subscriptions/"
ORDERS = "/v1/orders/"


def fetch(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    """The object as an upsert, or a delete when Polar does not know it. Raises Unusable."""
    try:
        return _read(config, api, entity, owner)
    except Gone as gone:
        return observed.deleted(observed.blank(config, observed.FETCH, gone.date), entity, owner)


def _read(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    if entity.kind is Kind.ENTITLEMENTS:
        return _grant(config, api, entity, owner)
    if entity.kind not in _READERS:
        return replace(observed.blank(config, observed.FETCH, None), entity=entity)
    path, read = _READERS[entity.kind]
    reply = api.get(f"{path}{quote(entity.id, safe='')}")
    blank = observed.blank(config, observed.FETCH, reply.date)
    found = read(blank, Fields(reply.data), config.metadata_keys)
    # An order that a subscription bills is no purchase of its own.
    return observed.versioned(found[0]) if found else observed.deleted(blank, entity, owner)


def _grant(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    if owner is None:
        raise Unusable("a grant can be read through its customer only, and no customer is known")
    reply = api.get(f"{CUSTOMERS}{quote(owner.id, safe='')}/state")
    blank = observed.blank(config, observed.FETCH, reply.date)
    state = bodies.customer_state(blank, Fields(reply.data), config.metadata_keys)
    found = next((event for event in state if event.entity == entity), None)
    return observed.versioned(found) if found else observed.deleted(blank, entity, owner)


_READERS: dict[Kind, tuple[str, Callable[[Event, Fields, frozenset[str]], list[Event]]]] = {
    Kind.CUSTOMER: (CUSTOMERS, bodies.customer),
    Kind.SUBSCRIPTION: (SUBSCRIPTIONS, bodies.subscription),
    Kind.ORDER: (ORDERS, bodies.order),
}
