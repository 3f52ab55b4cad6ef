"""What a customer effectively has at one instant: limit, credits, roles; read straight from the sandbox's rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync.sandbox.views import roles_of, slugs_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unkey_sync.sandbox.rows import Key
    from unkey_sync.sandbox.state import State

    from tests.house import House


@dataclass(frozen=True)
class Holding:
    """`credits`: infinity without a quota. `limit`: requests per minute."""

    limit: float = 0
    credits: float = 0
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    refill: int | None = None

    def covers(self, floor: Holding) -> bool:
        return (
            self.limit >= floor.limit
            and self.credits >= floor.credits
            and self.roles >= floor.roles
            and self.permissions >= floor.permissions
        )


def lowest(holdings: Iterable[Holding]) -> Holding:
    """What all of them grant."""
    every = list(holdings)
    return Holding(
        limit=min(one.limit for one in every),
        credits=min(one.credits for one in every),
        roles=frozenset.intersection(*[one.roles for one in every]),
        permissions=frozenset.intersection(*[one.permissions for one in every]),
    )


def held(house: House, subject: str) -> Holding:
    """Of the subject's only enabled key and its identity; nothing without one."""
    state = house.sandbox.world.state
    found = [row for row in state.identities if row.external_id == subject and not row.deleted]
    keys = [key for row in found for key in state.keys.members("identity", row.id) if key.enabled]
    if len(keys) != 1:
        return Holding()
    return _of(state, keys[0])


def _of(state: State, key: Key) -> Holding:
    assert key.identity is not None
    limits = [limit.limit for limit in state.limits.members("owner", key.identity)]
    return Holding(
        limit=min(limits, default=math.inf),
        credits=math.inf if key.remaining is None else key.remaining,
        roles=frozenset(role.name for role in roles_of(state, key)),
        permissions=frozenset(slugs_of(state, key)),
        refill=key.refill_amount,
    )
