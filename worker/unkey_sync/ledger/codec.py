"""Rows <-> values: the JSON forms in which the ledger keeps registers, observed and desired state."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync.facts import Register, Statement
from unkey_sync.model import Desired, Draft, Fact, Observed, ObservedKey, RateLimit, Rotation, Slot

if TYPE_CHECKING:
    from unkey_sync_connectors.event import Entity

_SORTED = orjson.OPT_SORT_KEYS


def dump(value: object) -> str:
    """Canonical JSON text."""
    return orjson.dumps(value, option=_SORTED, default=_plain).decode()


def _plain(value: object) -> object:
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(type(value).__name__)


def dump_register(register: Register) -> str:
    return dump(
        {
            "b": register.body,
            "x": register.deleted,
            "t": register.terminal,
            "bv": register.body_version,
            "r": register.rank,
            "c": register.covered,
            "d": register.digest,
            "et": register.event_type,
            "ei": register.event_id,
            "v": register.version,
            "s": _pairs(register.seen),
            "sv": register.settled_version,
            "ss": _pairs(register.settled),
            "g": register.good_version,
            "p": sorted(register.past_due_versions),
        }
    )


def load_register(text: str) -> Register:
    row = orjson.loads(text)
    return Register(
        body=row["b"],
        deleted=row["x"],
        terminal=row["t"],
        body_version=row["bv"],
        rank=row["r"],
        covered=row["c"],
        digest=row["d"],
        event_type=row["et"],
        event_id=row["ei"],
        version=row["v"],
        seen=_statements(row["s"]),
        settled_version=row["sv"],
        settled=_statements(row["ss"]),
        good_version=row["g"],
        past_due_versions=frozenset(row["p"]),
    )


def _pairs(statements: frozenset[Statement]) -> list[list[str]]:
    return sorted([statement.content, statement.delivery] for statement in statements)


def _statements(pairs: list[list[str]]) -> frozenset[Statement]:
    return frozenset(map(Statement._make, pairs))


def to_fact(source: str, entity: Entity, register: Register) -> Fact:
    """The register as the pure core reads it."""
    return Fact(
        source=source,
        entity=entity,
        version=register.body_version,
        deleted=register.deleted,
        body=register.body,
        event_type=register.event_type,
        event_id=register.event_id,
        past_due_since=register.past_due_since,
    )


def dump_desired(desired: Desired) -> str:
    return orjson.dumps(desired, default=_plain).decode()


def dump_ratelimits(limits: tuple[RateLimit, ...]) -> list[dict[str, Any]]:
    """The JSON form in which operations and the ledger carry rate limits."""
    return [asdict(limit) for limit in sorted(limits)]


def load_ratelimits(rows: list[dict[str, Any]]) -> tuple[RateLimit, ...]:
    return tuple(sorted(RateLimit(**row) for row in rows))


def dump_observed(observed: Observed) -> str:
    """The part of Observed that is not columns."""
    return dump(
        {
            "meta": observed.meta,
            "owned": sorted(observed.owned_fields),
            "ratelimits": dump_ratelimits(observed.ratelimits),
            "granted": sorted(observed.granted),
            "balances_written_at": observed.balances_written_at,
            "written_at": observed.written_at,
            "drafts": [_dump_draft(draft) for draft in observed.drafts],
        }
    )


def load_observed(
    row: dict[str, Any], keys: tuple[ObservedKey, ...], rotations: tuple[Rotation, ...]
) -> Observed:
    """`row` is a row of `identities`; keys that were never listed are unknown, not none."""
    parts = orjson.loads(row["observed"])
    return Observed(
        identity_id=row["identity_id"],
        meta=parts["meta"],
        owned_fields=frozenset(parts["owned"]),
        ratelimits=load_ratelimits(parts["ratelimits"]),
        keys=keys if keys or row["keys_listed_at"] is not None else None,
        removed=bool(row["removed"]),
        fenced_at=row["fenced_at"],
        keys_listed_at=row["keys_listed_at"],
        rotations=rotations,
        orphans_due_at=row["orphans_due_at"],
        granted=frozenset(parts.get("granted", ())),  # rows of the first release have none
        balances_written_at=parts.get("balances_written_at"),
        written_at=parts.get("written_at"),
        drafts=tuple(_load_draft(draft) for draft in parts.get("drafts", ())),
        looked_at=row["looked_at"],
    )


def _dump_draft(draft: Draft) -> dict[str, Any]:
    return {
        "slot": draft.slot.name,
        "member": draft.slot.member,
        "generation": draft.generation,
        "handover_id": draft.handover_id,
        "sealed": base64.b64encode(draft.sealed).decode(),
    }


def _load_draft(row: dict[str, Any]) -> Draft:
    return Draft(
        slot=Slot(row["slot"], row["member"]),
        generation=row["generation"],
        handover_id=row["handover_id"],
        sealed=base64.b64decode(row["sealed"]),
    )
