"""Keycloak's objects as events: a `representation` in an event, or the same from the Admin REST API.

They carry no date of change: the event's or the answer's is the version. Field names are those of Keycloak's
Admin REST API.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.event import Entity, Event, Kind, OrganizationBody, UserBody

if TYPE_CHECKING:
    from unkey_sync_connectors.payload import Fields

GRANT = "role/"
"""How the ids of roles that a user holds begin. Each is a membership of its own, in the realm."""


def user(blank: Event, user_id: str, data: Fields, keys: frozenset[str]) -> Event:
    disabled = data.raw().get("enabled") is not None and not data.flag("enabled")
    body = UserBody(
        external_ref=None, blocked="banned" if disabled else None, metadata=_attributes(data, keys)
    )
    return statements.upsert(blank, Entity(Kind.USER, user_id), {**body})


def organization(blank: Event, organization_id: str, data: Fields, keys: frozenset[str]) -> Event:
    disabled = data.raw().get("enabled") is not None and not data.flag("enabled")
    body = OrganizationBody(
        external_ref=None, blocked="banned" if disabled else None, metadata=_attributes(data, keys)
    )
    return statements.upsert(blank, Entity(Kind.ORGANIZATION, organization_id), {**body})


def grant(blank: Event, realm: str, user_id: str, role: Fields) -> Event:
    """One role of one user. The realm is the organisation in which it holds."""
    event = statements.joined(blank, realm, user_id, role.text_or_none("name"))
    return replace(event, entity=grant_entity(role, user_id))


def grant_deleted(blank: Event, realm: str, user_id: str, role: Fields) -> Event:
    return replace(statements.left(blank, realm, user_id), entity=grant_entity(role, user_id))


def grant_entity(role: Fields, user_id: str) -> Entity:
    return Entity(Kind.MEMBERSHIP, f"{GRANT}{role.id('id')}:{user_id}")


def user_entity(data: Fields) -> Entity:
    return Entity(Kind.USER, data.id("id"))


def organization_entity(data: Fields) -> Entity:
    return Entity(Kind.ORGANIZATION, data.id("id"))


def _attributes(data: Fields, keys: frozenset[str]) -> dict[str, str]:
    """Attributes are lists; of a link there can be only one, so the first counts."""
    found = data.fields_or_none("attributes")
    if found is None:
        return {}
    firsts = {
        key: values[0]
        for key in sorted(keys)
        if (values := found.raw().get(key)) and isinstance(values, list)
    }
    return {key: value for key, value in firsts.items() if isinstance(value, str) and "\0" not in value}
