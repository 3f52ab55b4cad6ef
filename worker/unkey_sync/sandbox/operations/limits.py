"""Named rate limits of identities and keys: written by name, so a kept name keeps its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unkey_sync.sandbox.ids import new_id
from unkey_sync.sandbox.rows import Limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from unkey_sync.sandbox.call import Call


def write_limits(call: Call, owner: str, wanted: Sequence[Mapping[str, Any]]) -> list[Limit]:
    """Insert or update each one; of a name given twice the last counts."""
    by_name = {limit["name"]: limit for limit in wanted}
    return [_upsert(call, owner, limit) for limit in by_name.values()]


def replace_limits(
    call: Call, owner: str, present: Iterable[Limit], wanted: Sequence[Mapping[str, Any]]
) -> list[Limit]:
    """Make `wanted` all there is, as far as `present` tells what is to go."""
    names = {limit["name"] for limit in wanted}
    for limit in present:
        if limit.name not in names:
            call.tx.delete(call.rw.limits, limit.id)
    return write_limits(call, owner, wanted)


def copy_limits(call: Call, source: str, target: str) -> None:
    """The same limits under new ids for another owner (rerollKey)."""
    for limit in list(call.rw.limits.members("owner", source)):
        copy = Limit(
            id=new_id("rl"),
            owner=target,
            name=limit.name,
            limit=limit.limit,
            duration=limit.duration,
            auto_apply=limit.auto_apply,
        )
        call.tx.put(call.rw.limits, copy)


def delete_limits(call: Call, owner: str) -> None:
    for limit in list(call.rw.limits.members("owner", owner)):
        call.tx.delete(call.rw.limits, limit.id)


def _upsert(call: Call, owner: str, wanted: Mapping[str, Any]) -> Limit:
    known = call.rw.limits.find("name", (owner, wanted["name"]))
    limit = Limit(
        id=known.id if known else new_id("rl"),
        owner=owner,
        name=wanted["name"],
        limit=wanted["limit"],
        duration=wanted["duration"],
        auto_apply=wanted["autoApply"],
    )
    return call.tx.put(call.rw.limits, limit)
