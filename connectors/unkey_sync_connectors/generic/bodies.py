"""What each kind of entity has in its body, and how a rule's terms fill it.

The fields are those of the TypedDicts in `event`; nothing else of a delivery is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Kind
from unkey_sync_connectors.generic.terms import Term
from unkey_sync_connectors.generic.values import (
    Wrong,
    to_blocked,
    to_flag,
    to_id,
    to_integer,
    to_list,
    to_microseconds,
    to_order_status,
    to_status,
    to_text,
    to_texts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from unkey_sync_connectors.generic.options import Options
    from unkey_sync_connectors.generic.paths import Scope
    from unkey_sync_connectors.generic.terms import Terms


@dataclass(frozen=True, slots=True)
class Slot:
    """One field to fill. `label` names it in errors, with its rule: `subscription.body.status`."""

    label: str
    term: Term
    meaning: Callable[[Any], Any]

    def read(self, scope: Scope) -> Any:
        """The value, or None. Raises Unusable naming this field and the path it came from."""
        try:
            return self.meaning(self.term.run(scope))
        except Wrong as wrong:
            raise Unusable(f"{self.label}: {self.term.text} {wrong}") from None

    def need(self, scope: Scope) -> Any:
        value = self.read(scope)
        if value is None:
            raise Unusable(f"{self.label}: {self.term.text} is missing")
        return value


def to_dict(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Wrong("is not an object")
    return value


_META: dict[str, Callable[[Any], Any]] = {"external_ref": to_id, "metadata": to_dict}
_FIELDS: dict[Kind, dict[str, Callable[[Any], Any]]] = {
    Kind.USER: {**_META, "blocked": to_blocked},
    Kind.ORGANIZATION: {**_META, "blocked": to_blocked},
    Kind.MEMBERSHIP: {"role": to_text, "permissions": to_texts},
    Kind.CUSTOMER: _META,
    Kind.CHECKOUT: {"client_reference_id": to_id, "metadata": to_dict},
    Kind.SUBSCRIPTION: {
        **_META,
        "status": to_status,
        "trial_end": to_microseconds,
        "period_start": to_microseconds,
        "period_end": to_microseconds,
        "cancel_at_period_end": to_flag,
        "cancel_at": to_microseconds,
        "ended_at": to_microseconds,
    },
    Kind.ENTITLEMENTS: {"features": to_texts},
    Kind.ORDER: {**_META, "status": to_order_status},
}
_ITEM_FIELDS: dict[str, Callable[[Any], Any]] = {
    "product": to_id,
    "price": to_id,
    "lookup_key": to_text,
    "quantity": to_integer,
}
_REQUIRED = {Kind.SUBSCRIPTION: "status", Kind.ENTITLEMENTS: "features", Kind.ORDER: "status"}
_WITH_ITEMS = frozenset({Kind.SUBSCRIPTION, Kind.ORDER})
_MISSING = Term(lambda _scope: None, "")
KINDS = frozenset(_FIELDS)


@dataclass(frozen=True, slots=True)
class _Items:
    """What is paid for: one table of slots per item, or one for every element of a list."""

    each: Slot | None
    rows: Sequence[Mapping[str, Slot]]

    def read(self, scope: Scope) -> list[dict[str, Any]]:
        scopes = [replace(scope, item=item) for item in self.each.read(scope)] if self.each else [scope]
        found = [{name: slot.read(one) for name, slot in row.items()} for one in scopes for row in self.rows]
        # An item without any name says nothing; a quantity alone cannot be matched by a plan.
        return [item for item in found if item["product"] or item["price"] or item["lookup_key"]]


@dataclass(frozen=True, slots=True)
class Body:
    """The slots of one entity's body."""

    slots: Mapping[str, Slot]
    required: str | None
    items: _Items | None

    def read(self, scope: Scope, keys: frozenset[str]) -> dict[str, Any]:
        """The body. `keys`: the metadata keys that are kept. Raises Unusable."""
        body = {
            name: slot.need(scope) if name == self.required else slot.read(scope)
            for name, slot in self.slots.items()
        }
        if "metadata" in body:
            body["metadata"] = _chosen(body["metadata"], keys)
        if self.items:
            body["items"] = self.items.read(scope)
        return body


def compile_body(kind: Kind, options: Options, terms: Terms, label: str) -> Body:
    """Compile a rule's `body` table. Fields that it leaves out are empty. Raises ConfigProblem."""
    fields = _FIELDS[kind]
    has_items = kind in _WITH_ITEMS
    options.only({*fields, "items"} if has_items else fields)
    required = _REQUIRED.get(kind)
    if required and required not in options.data:
        raise options.problem("is required", required)
    slots = _slots(fields, options, terms, label)
    return Body(slots, required, _compile_items(options, terms, label) if has_items else None)


def _slots(
    fields: Mapping[str, Callable[[Any], Any]], options: Options, terms: Terms, label: str
) -> dict[str, Slot]:
    return {
        name: Slot(f"{label}.{name}", terms.optional(options, name) or _MISSING, meaning)
        for name, meaning in fields.items()
    }


def _compile_items(options: Options, terms: Terms, label: str) -> _Items:
    written = options.data.get("items", [])
    label = f"{label}.items"
    if isinstance(written, list):
        tables = options.each("items") if written else []
        return _Items(None, [_item(table, terms, label) for table in tables])
    table = options.table("items")
    table.only({*_ITEM_FIELDS, "each"})
    each = Slot(f"{label}.each", terms.required(table, "each"), to_list)
    return _Items(each, [_slots(_ITEM_FIELDS, table, terms, label)])


def _item(table: Options, terms: Terms, label: str) -> dict[str, Slot]:
    table.only(_ITEM_FIELDS)
    return _slots(_ITEM_FIELDS, table, terms, label)


def _chosen(metadata: Mapping[str, Any], keys: frozenset[str]) -> dict[str, str]:
    """The entries that link rules name and that are texts; all others are dropped at the door."""
    chosen = ((name, metadata.get(name)) for name in sorted(keys))
    return {name: value for name, value in chosen if isinstance(value, str) and "\0" not in value}
