"""Paddle's API: one object as it is now.

Source: Paddle's API reference. Products and prices are not fetched: they only ever wake somebody up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from unkey_sync_connectors import observed
from unkey_sync_connectors.base import Gone
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind
from unkey_sync_connectors.paddle import bodies, orders
from unkey_sync_connectors.payload import Fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync_connectors.base import Api, SourceConfig


def fetch(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    """The object as an upsert, or a delete when Paddle does not know it. Raises Unusable."""
    known = _READERS.get(entity.kind)
    if known is None:
        return replace(observed.blank(config, observed.FETCH, None), entity=entity)
    path, read = known
    try:
        reply = api.get(f"{path}/{quote(entity.id, safe='')}", _PARAMS.get(entity.kind))
    except Gone as gone:
        return observed.deleted(observed.blank(config, observed.FETCH, gone.date), entity, owner)
    data = Fields(reply.data).fields("data")
    blank = bodies.observed_at(observed.blank(config, observed.FETCH, reply.date), data)
    found = read(blank, data, config.metadata_keys)
    # A transaction that a subscription bills is no purchase of its own.
    if found.op is EventOp.IGNORE:
        return observed.deleted(blank, entity, owner)
    return observed.versioned(found)


_READERS: dict[Kind, tuple[str, Callable[[Event, Fields, frozenset[str]], Event]]] = {
    Kind.CUSTOMER: ("/customers", bodies.customer),
    Kind.SUBSCRIPTION: ("/subscriptions", bodies.subscription),
    Kind.ORDER: ("/transactions", orders.transaction),
}
_PARAMS = {Kind.ORDER: {"include": "adjustments"}}
