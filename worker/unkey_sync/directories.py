"""The end of a directory is the end of its users and of their memberships, whatever was heard first. Pure.

Only a delete for good counts. It is joined into what is known of each user, so facts stay a semilattice: the user's
own statements and the directory's meet in the same register in every order.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors.event import Event, EventOp, Kind

from unkey_sync import facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unkey_sync.ledger.fact_rows import FactKey, FactRow

    Rows = Mapping[FactKey, FactRow]


def touched(events: Iterable[Event]) -> dict[FactKey, bool]:
    """The directories that events speak of, as owner or for themselves; True: it ends here."""
    found: dict[FactKey, bool] = {}
    for event in events:
        for entity in (event.owner, event.entity):
            if entity is not None and entity.kind is Kind.DIRECTORY:
                key = (event.source, entity.kind.value, entity.id)
                found[key] = found.get(key, False) or (entity is event.entity and _ends(event))
    return found


def members(events: Iterable[Event], known: Rows, directories: Mapping[FactKey, bool]) -> list[FactKey]:
    """The users who are gone with one of these directories: those that are known, and those that events name."""
    over = {key for key, ends in directories.items() if ends or (key in known and _is_over(known[key]))}
    if not over:
        return []
    users = {row.key for row in known.values() if row.owner_key in over}
    for event in events:
        if event.entity is not None and event.owner is not None:
            owner = (event.source, event.owner.kind.value, event.owner.id)
            users.update({(event.source, event.entity.kind.value, event.entity.id)} if owner in over else ())
    return sorted(users)


def ended(rows: Rows) -> dict[FactKey, FactRow]:
    """Those of the rows that change because their directory has ended, as they are then."""
    over = {row.key: facts.end_with(row.register) for row in rows.values() if _is_over(row)}
    if not over:
        return {}
    gone = {row.key: over[row.owner_key] for row in rows.values() if row.owner_key in over}
    found = {}
    for key, row in rows.items():
        end = gone.get(key) or gone.get((row.source, Kind.USER.value, row.member or ""))
        joined = facts.join(row.register, end) if end is not None else row.register
        if joined != row.register:
            found[key] = replace(row, register=joined)
    return found


def _ends(event: Event) -> bool:
    return event.op is EventOp.DELETE and event.terminal


def _is_over(row: FactRow) -> bool:
    return row.entity.kind is Kind.DIRECTORY and row.register.deleted and row.register.terminal
