"""Stripe's one-time purchases: checkouts that were paid at once, and their refunds.

A purchase is named by its payment intent, because that is all that a refund names; by its checkout when nothing
was to be paid. What was bought stands in neither webhook, and whether it was refunded only in the charge: both
are read from the API. A purchase of nobody (a checkout without a customer) is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.event import Event, Kind, OrderBody, SubscriptionItem
from unkey_sync_connectors.stripe import bodies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync_connectors.payload import Fields
    from unkey_sync_connectors.stripe.bodies import Reading

PAYMENT_INTENT = "pi_"

_STATUSES = {"paid": "paid", "no_payment_required": "paid", "unpaid": "pending"}


def order(reading: Reading, o: Fields, listed: Sequence[Fields] | None = None) -> Event:
    """The purchase of a checkout; the blank event where nobody buys, or a subscription bills.

    `listed`: all line items, where they were listed; without them, or with a part of them, it is a signal.
    """
    owner = bodies.customer_of(reading, o)
    if owner is None or o.text_or_none("mode") != "payment":
        return reading.blank
    status = o.choice("payment_status", _STATUSES)
    if listed is None and (o.fields_or_none("line_items") is None or o.flag("line_items.has_more")):
        return doubtful(reading, o)
    body = OrderBody(
        status="refunded" if _is_refunded(o) else status,
        items=_items(o.each("line_items.data") if listed is None else listed),
        external_ref=o.id_or_none("client_reference_id"),
        metadata=o.chosen_texts("metadata", reading.keys),
    )
    entity = reading.account.entity(Kind.ORDER, order_id(o))
    return statements.order(reading.blank, entity, body, owner)


def refund(reading: Reading, o: Fields) -> Event:
    """A charge that was given back whole. A part of it changes nothing."""
    if not o.flag("refunded") or o.reference_or_none("payment_intent") is None:
        return reading.blank
    return doubtful(reading, o)


def doubtful(reading: Reading, o: Fields) -> Event:
    """That the purchase of a checkout or a charge must be looked up."""
    return bodies.signal(reading, Kind.ORDER, order_id(o), bodies.customer_of(reading, o))


def order_id(o: Fields) -> str:
    return o.reference_or_none("payment_intent") or o.id("id")


def _is_refunded(o: Fields) -> bool:
    """As the API shows it, with payment and charge expanded; a webhook does not say."""
    payment = o.expanded_or_none("payment_intent")
    charge = payment.expanded_or_none("latest_charge") if payment else None
    return charge is not None and charge.flag("refunded")


def _items(rows: Sequence[Fields]) -> list[SubscriptionItem]:
    """A line without a price is matched by no rule."""
    return [bodies.item(row) for row in rows if row.fields_or_none("price")]
