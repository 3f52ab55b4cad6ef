"""Roles and permissions as code: what the policy's [roles] says is created in Unkey and kept equal.

Roles that the policy does not name belong to others and are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from unkey_sync.errors import Adopt, Relink
from unkey_sync.policy.shape import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from unkey_sync.clock import Clock
    from unkey_sync.unkey.client import Unkey

EVERY_S = 3600.0
"""What others change about a role is put right within the hour."""


class RoleKeeper:
    """Keeps them equal for as long as a worker lives. Any number of workers may."""

    def __init__(self, unkey: Unkey, roles: Mapping[str, Sequence[str]], clock: Clock) -> None:
        self._unkey = unkey
        self._roles = roles
        self._clock = clock
        self._next = 0.0
        self._log = structlog.stdlib.get_logger("unkey_sync.worker")

    def run_once(self) -> int:
        """How many roles were created or changed, if it is time to look. Raises what the client raises."""
        now = self._clock.monotonic()
        if not self._roles or now < self._next:
            return 0
        changed = keep_roles(self._unkey, self._roles)
        self._next = now + EVERY_S
        self._log.info("roles_kept", changed=len(changed))
        for name in misspelt(self._unkey, self._roles):
            self._log.error("role_spelled_otherwise", role=name)
        return len(changed)


def keep_roles(unkey: Unkey, roles: Mapping[str, Sequence[str]]) -> list[str]:
    """Make Unkey's roles equal to these; the names of those that were created or changed.

    Raises what the client raises; doing it again is harmless.
    """
    return [name for name, slugs in sorted(roles.items()) if _keep(unkey, name, slugs)]


def misspelt(unkey: Unkey, roles: Iterable[str]) -> list[str]:
    """Names that Unkey has in other letters: it takes them for the same role, but its keys compare exactly."""
    return [name for name in sorted(roles) if unkey.roles.get(name).name != name]


def _keep(unkey: Unkey, name: str, wanted: Sequence[str]) -> bool:
    try:
        role = unkey.roles.get(name)
    except Relink:
        return _create(unkey, name, wanted)
    if _folded(role.slugs()) == _folded(wanted):
        return False
    unkey.roles.set_permissions(role.id, sorted(wanted))
    return True


def _create(unkey: Unkey, name: str, wanted: Sequence[str]) -> bool:
    try:
        role_id = unkey.roles.create(name=name).role_id
    except Adopt:
        role_id = unkey.roles.get(name).id
    if wanted:
        unkey.roles.set_permissions(role_id, sorted(wanted))
    return True


def _folded(slugs: Iterable[str]) -> frozenset[str]:
    """A slug that exists in other letters is the same one to Unkey, and keeps its first spelling."""
    return frozenset(fold(slug) for slug in slugs)
