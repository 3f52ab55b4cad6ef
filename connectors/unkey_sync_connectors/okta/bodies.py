"""Okta's objects as events, as its API shows them. Field names are those of Okta's API reference.

Groups stand for organisations, as Okta has no others. They carry no metadata: a log event never does, and the
two must say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.event import Entity, Event, Kind, OrganizationBody, UserBody

if TYPE_CHECKING:
    from unkey_sync_connectors.payload import Fields

_BLOCKED: dict[str, str] = {
    "SUSPENDED": "banned",
    "LOCKED_OUT": "locked",
    "DEPROVISIONED": "deprovisioned",
}
"""Statuses without access; all others have it or come to it (STAGED, PROVISIONED, RECOVERY, ...)."""


def user(blank: Event, data: Fields, keys: frozenset[str]) -> Event:
    body = UserBody(
        external_ref=None,
        blocked=_BLOCKED.get(data.text("status")),
        metadata=data.chosen_texts("profile", keys),
    )
    dated = statements.dated(blank, data.instant_or_none("lastUpdated"))
    return statements.upsert(dated, user_entity(data), {**body})


def blocked_user(blank: Event, user_id: str, blocked: str) -> Event:
    """What a log event about a suspension is sure of."""
    body = UserBody(external_ref=None, blocked=blocked, metadata={})
    return statements.upsert(blank, Entity(Kind.USER, user_id), {**body})


def group(blank: Event, group_id: str) -> Event:
    body = OrganizationBody(external_ref=None, blocked=None, metadata={})
    return statements.upsert(blank, Entity(Kind.ORGANIZATION, group_id), {**body})


def user_entity(data: Fields) -> Entity:
    return Entity(Kind.USER, data.id("id"))


def group_entity(data: Fields) -> Entity:
    return Entity(Kind.ORGANIZATION, data.id("id"))
