"""Small makers of events for tests: only what a test cares about has to be said."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from unkey_sync_connectors.event import Entity, Event, EventOp, Kind

SECOND = 1_000_000
_numbers = itertools.count(1)


def event(source: str, kind: Kind, entity_id: str, body: dict[str, Any], **changes: Any) -> Event:
    """An upsert; `changes` override any field."""
    made = Event(
        source=source,
        account="test",
        delivery_id=f"msg_{next(_numbers)}",
        type=f"{kind.value}.updated",
        occurred_at=SECOND,
        op=EventOp.UPSERT,
        entity=Entity(kind, entity_id),
        version=SECOND,
        body=body,
    )
    return replace(made, **changes)


def organization(entity_id: str = "org_1", **changes: Any) -> Event:
    body = {"external_ref": None, "blocked": changes.pop("blocked", None), "metadata": {}}
    return event("clerk", Kind.ORGANIZATION, entity_id, body, **changes)


def user(entity_id: str = "user_1", **changes: Any) -> Event:
    body = {"external_ref": None, "blocked": changes.pop("blocked", None), "metadata": {}}
    return event("clerk", Kind.USER, entity_id, body, **changes)


def deleted(said: Event, **changes: Any) -> Event:
    """The deletion of what `said` speaks of, one second later; terminal, as Clerk's are."""
    made = replace(
        said,
        delivery_id=f"msg_{next(_numbers)}",
        type="deleted",
        op=EventOp.DELETE,
        version=said.version + SECOND,
        body={},
        rank=2,
        terminal=True,
    )
    return replace(made, **changes)


def membership(organization_id: str = "org_1", user_id: str = "user_1", **changes: Any) -> Event:
    body = {"organization": organization_id, "user": user_id, "role": "org:member", "permissions": []}
    return event(
        "clerk",
        Kind.MEMBERSHIP,
        f"{organization_id}:{user_id}",
        body,
        owner=Entity(Kind.ORGANIZATION, organization_id),
        member=Entity(Kind.USER, user_id),
        **changes,
    )


def directory(entity_id: str = "dir_1", **changes: Any) -> Event:
    return event("workos", Kind.DIRECTORY, entity_id, {"organization": "org_1"}, **changes)


def directory_user(entity_id: str = "user_1", directory_id: str = "dir_1", **changes: Any) -> Event:
    """A user whom a source has from a directory."""
    owner = Entity(Kind.DIRECTORY, directory_id)
    return replace(user(entity_id, **{"owner": owner, **changes}), source="workos")


def customer(entity_id: str = "cus_1", metadata: dict[str, str] | None = None, **changes: Any) -> Event:
    body = {"external_ref": None, "metadata": metadata or {}}
    return event("stripe", Kind.CUSTOMER, entity_id, body, **changes)


def checkout(customer_id: str, reference: str, **changes: Any) -> Event:
    body = {"client_reference_id": reference, "metadata": {}}
    owner = Entity(Kind.CUSTOMER, customer_id)
    return event("stripe", Kind.CHECKOUT, f"cs_{customer_id}", body, owner=owner, **changes)


def subscription(
    entity_id: str = "sub_1",
    lookup_key: str = "pro_monthly",
    status: str = "active",
    customer_id: str = "cus_1",
    **changes: Any,
) -> Event:
    body = {
        "status": status,
        "items": [{"product": "prod_1", "price": "price_1", "lookup_key": lookup_key, "quantity": 1}],
        "trial_end": None,
        "period_start": None,
        "period_end": None,
        "cancel_at_period_end": False,
        "cancel_at": None,
        "ended_at": None,
        "external_ref": None,
        "metadata": {},
        **changes.pop("body", {}),
    }
    owner = Entity(Kind.CUSTOMER, customer_id)
    return event("stripe", Kind.SUBSCRIPTION, entity_id, body, owner=owner, **changes)


def order(
    entity_id: str = "ord_1",
    price: str = "price_1000",
    status: str = "paid",
    customer_id: str = "cus_1",
    quantity: int | None = None,
    **changes: Any,
) -> Event:
    """A one-time purchase."""
    item = {"product": None, "price": price, "lookup_key": None, "quantity": quantity}
    owner = Entity(Kind.CUSTOMER, customer_id)
    body = {"status": status, "items": [item], "external_ref": None, "metadata": changes.pop("metadata", {})}
    return event("stripe", Kind.ORDER, entity_id, body, owner=owner, **changes)
