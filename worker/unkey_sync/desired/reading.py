"""Reads the bodies of facts. Reading never fails: what is not as the vocabulary promises is absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from unkey_sync.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

LAST_INSTANT = 253_402_300_799 * SECOND
"""End of the year 9999. Sources write `for ever` as dates beyond it; databases and calendars end there."""


@dataclass(frozen=True, slots=True)
class Item:
    """What is paid for. `quantity` at least 1, or None when the source counts nothing."""

    product: str | None
    price: str | None
    lookup_key: str | None
    quantity: int | None


def read_text(body: Mapping[str, Any], key: str) -> str | None:
    value = body.get(key)
    return value if isinstance(value, str) and value else None


def read_instant(body: Mapping[str, Any], key: str) -> int | None:
    value = body.get(key)
    return value if _is_count(value) and value <= LAST_INSTANT else None


def read_items(body: Mapping[str, Any]) -> tuple[Item, ...]:
    return tuple(_to_item(item) for item in _list(body, "items") if isinstance(item, dict))


def read_features(body: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(feature for feature in _list(body, "features") if isinstance(feature, str))


def _to_item(item: Mapping[str, Any]) -> Item:
    quantity = item.get("quantity")
    return Item(
        product=read_text(item, "product"),
        price=read_text(item, "price"),
        lookup_key=read_text(item, "lookup_key"),
        quantity=quantity if _is_count(quantity) and quantity >= 1 else None,
    )


def _list(body: Mapping[str, Any], key: str) -> list[Any]:
    value = body.get(key)
    return value if isinstance(value, list) else []


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
