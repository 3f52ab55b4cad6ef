"""Auth0's objects as events, wherever they came from: event stream or Management API.

Each function fills in a blank event that already says source, delivery and version. Field names are those of
Auth0's event schemas and Management API.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.event import Entity, Event, Kind, OrganizationBody, UserBody

if TYPE_CHECKING:
    from unkey_sync_connectors.payload import Fields

GRANT = "role/"
"""How the ids of role grants begin. A grant is a membership of its own: Auth0 tells each apart, never all."""


def user(blank: Event, data: Fields, keys: frozenset[str]) -> Event:
    """A person. Never reads `user_metadata`: the user writes it."""
    body = UserBody(
        external_ref=None,
        blocked="banned" if data.flag("blocked") else None,
        metadata=data.chosen_texts("app_metadata", keys),
    )
    return statements.upsert(blank, user_entity(data), {**body})


def organization(blank: Event, data: Fields, keys: frozenset[str]) -> Event:
    body = OrganizationBody(external_ref=None, blocked=None, metadata=data.chosen_texts("metadata", keys))
    return statements.upsert(blank, organization_entity(data), {**body})


def user_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    """Not terminal: a social or enterprise user who signs in again gets the same id."""
    return statements.delete(blank, user_entity(data))


def organization_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    return statements.delete(blank, organization_entity(data), terminal=True)


def member(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    return statements.joined(blank, data.id("organization.id"), data.id("user.user_id"))


def member_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    return statements.left(blank, data.id("organization.id"), data.id("user.user_id"))


def grant(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    """One role of one member. The role's name is what policy maps, its id what tells grants apart."""
    organization_id, user_id = data.id("organization.id"), data.id("user.user_id")
    event = statements.joined(blank, organization_id, user_id, data.text_or_none("role.name"))
    return replace(event, entity=grant_entity(data.id("role.id"), organization_id, user_id))


def grant_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    organization_id, user_id = data.id("organization.id"), data.id("user.user_id")
    event = statements.left(blank, organization_id, user_id)
    return replace(event, entity=grant_entity(data.id("role.id"), organization_id, user_id))


def user_entity(data: Fields) -> Entity:
    return Entity(Kind.USER, data.id("user_id"))


def organization_entity(data: Fields) -> Entity:
    return Entity(Kind.ORGANIZATION, data.id("id"))


def grant_entity(role_id: str, organization_id: str, user_id: str) -> Entity:
    return Entity(Kind.MEMBERSHIP, f"{GRANT}{role_id}/{organization_id}:{user_id}")


def parties(entity: Entity) -> tuple[str, str, str]:
    """Role ("" for a plain membership), organisation and user of a membership or grant."""
    role_id, _, rest = (
        entity.id.removeprefix(GRANT).partition("/") if is_grant(entity) else ("", "", entity.id)
    )
    organization_id, _, user_id = rest.partition(":")
    return role_id, organization_id, user_id


def is_grant(entity: Entity) -> bool:
    return entity.id.startswith(GRANT)
