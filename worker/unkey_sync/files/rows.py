"""What a row says, as an event of its source. Pure. Problems name a column, never a value.

A row without `updated_at` is as old as `as_of` says, or older than everything: it creates what is unknown and
overrules nothing that is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from unkey_sync_connectors import observed
from unkey_sync_connectors.base import ConfigProblem, Unusable
from unkey_sync_connectors.event import SUBSCRIPTION_STATUSES, Entity, Event, EventOp, Kind
from unkey_sync_connectors.timestamps import SECOND, BadTimestamp, Instant, read_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_ID_LENGTH = 255
_KINDS: Final = (Kind.USER, Kind.ORGANIZATION, Kind.MEMBERSHIP, Kind.CUSTOMER, Kind.SUBSCRIPTION)
_PAYERS: Final = (Kind.CUSTOMER, Kind.ORGANIZATION, Kind.USER)
_FLAGS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_METADATA: Final = "metadata."


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for rows that do not say it themselves; `metadata_keys`: all others are dropped at the door."""

    kind: Kind
    as_of: Instant
    metadata_keys: frozenset[str]

    @classmethod
    def of(cls, kind: str, as_of: str, metadata_keys: frozenset[str]) -> Self:
        """From command-line values. Raises ConfigProblem."""
        if kind not in _KINDS:
            raise ConfigProblem(f"no kind {kind!r} in a file; known: {', '.join(_KINDS)}")
        try:
            return cls(Kind(kind), read_instant(as_of) if as_of else Instant(0, SECOND), metadata_keys)
        except BadTimestamp:
            raise ConfigProblem("--as-of is no date; write 2026-01-31T12:00:00Z") from None


def to_event(source: str, row: Mapping[str, str], defaults: Defaults) -> Event:
    """Raises Unusable."""
    kind = _kind(row, defaults)
    said = _instant(row, "updated_at") or defaults.as_of
    blank = Event(
        source=source,
        account="",
        delivery_id="",
        type=observed.BACKFILL,
        occurred_at=said.us,
        op=EventOp.DELETE if _flag(row, "deleted") else EventOp.UPSERT,
        entity=Entity(kind, _id(row, kind)),
        version=said.us,
        resolution=said.tick,
    )
    blank = replace(blank, **_relations(row, kind))
    if blank.op is EventOp.DELETE:
        return observed.versioned(replace(blank, rank=2))
    return observed.versioned(replace(blank, body=_BODIES[kind](row, defaults.metadata_keys)))


def _kind(row: Mapping[str, str], defaults: Defaults) -> Kind:
    name = row.get("kind", defaults.kind)
    if name not in _KINDS:
        raise Unusable("kind is unknown")
    return Kind(name)


def _id(row: Mapping[str, str], kind: Kind) -> str:
    """A membership that has no id of its own is named by its two sides."""
    if kind is Kind.MEMBERSHIP and "id" not in row:
        return f"{_named(row, 'organization')}:{_named(row, 'user')}"
    return _named(row, "id")


def _named(row: Mapping[str, str], name: str) -> str:
    value = row.get(name, "")
    if not value:
        raise Unusable(f"{name} is missing")
    if len(value) > MAX_ID_LENGTH or not value.isprintable():
        raise Unusable(f"{name} is no id")
    return value


def _relations(row: Mapping[str, str], kind: Kind) -> dict[str, Any]:
    if kind is Kind.MEMBERSHIP:
        return {
            "owner": Entity(Kind.ORGANIZATION, _named(row, "organization")),
            "member": Entity(Kind.USER, _named(row, "user")),
        }
    if kind is Kind.SUBSCRIPTION:
        payer = next((one for one in _PAYERS if one in row), Kind.CUSTOMER)
        return {"owner": Entity(payer, _named(row, payer))}
    return {}


def _holder(row: Mapping[str, str], keys: frozenset[str]) -> dict[str, Any]:
    return {
        "external_ref": row.get("external_ref"),
        "blocked": row.get("blocked"),
        "metadata": _metadata(row, keys),
    }


def _membership(row: Mapping[str, str], _keys: frozenset[str]) -> dict[str, Any]:
    return {
        "organization": row["organization"],
        "user": row["user"],
        "role": row.get("role"),
        "permissions": sorted(row.get("permissions", "").split()),
    }


def _customer(row: Mapping[str, str], keys: frozenset[str]) -> dict[str, Any]:
    return {"external_ref": row.get("external_ref"), "metadata": _metadata(row, keys)}


def _subscription(row: Mapping[str, str], keys: frozenset[str]) -> dict[str, Any]:
    status = row.get("status", "")
    if status not in SUBSCRIPTION_STATUSES:
        raise Unusable(f"status is none of {', '.join(sorted(SUBSCRIPTION_STATUSES))}")
    item = {name: row.get(name) for name in ("product", "price", "lookup_key")}
    instants = ("trial_end", "period_start", "period_end", "cancel_at", "ended_at")
    return {
        "status": status,
        "items": [{**item, "quantity": _integer(row, "quantity")}],
        **{name: found.us if (found := _instant(row, name)) else None for name in instants},
        "cancel_at_period_end": _flag(row, "cancel_at_period_end"),
        "external_ref": row.get("external_ref"),
        "metadata": _metadata(row, keys),
    }


_BODIES: Final[dict[Kind, Callable[[Mapping[str, str], frozenset[str]], dict[str, Any]]]] = {
    Kind.USER: _holder,
    Kind.ORGANIZATION: _holder,
    Kind.MEMBERSHIP: _membership,
    Kind.CUSTOMER: _customer,
    Kind.SUBSCRIPTION: _subscription,
}


def _metadata(row: Mapping[str, str], keys: frozenset[str]) -> dict[str, str]:
    return {key: row[_METADATA + key] for key in sorted(keys) if _METADATA + key in row}


def _instant(row: Mapping[str, str], name: str) -> Instant | None:
    if name not in row:
        return None
    try:
        return read_instant(row[name])
    except BadTimestamp:
        raise Unusable(f"{name} is no date") from None


def _integer(row: Mapping[str, str], name: str) -> int | None:
    if name not in row:
        return None
    if not row[name].isascii() or not row[name].isdigit() or len(row[name]) > 9:
        raise Unusable(f"{name} is no number")
    return int(row[name])


def _flag(row: Mapping[str, str], name: str) -> bool:
    if name not in row:
        return False
    try:
        return _FLAGS[row[name].lower()]
    except KeyError:
        raise Unusable(f"{name} is neither true nor false") from None
