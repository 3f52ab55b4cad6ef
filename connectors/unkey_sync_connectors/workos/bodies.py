"""WorkOS's objects as events, wherever they came from: webhook, event feed or API.

Each function fills in a blank event that already says source, delivery and, as a fallback, version. Field
names are those of WorkOS's OpenAPI document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.event import DirectoryBody, Entity, Event, Kind, OrganizationBody, UserBody

if TYPE_CHECKING:
    from unkey_sync_connectors.payload import Fields

DIRECTORY_USER = "directory_user_"
"""How the ids of directory users begin; other users' begin with `user_`."""

_ACTIVE = "active"


def user(blank: Event, data: Fields, keys: frozenset[str]) -> list[Event]:
    body = UserBody(
        external_ref=data.id_or_none("external_id"),
        blocked=None,
        metadata=data.chosen_texts("metadata", keys),
    )
    return [statements.upsert(_dated(blank, data), user_entity(data), {**body})]


def organization(blank: Event, data: Fields, keys: frozenset[str]) -> list[Event]:
    body = OrganizationBody(
        external_ref=data.id_or_none("external_id"),
        blocked=None,
        metadata=data.chosen_texts("metadata", keys),
    )
    return [statements.upsert(_dated(blank, data), organization_entity(data), {**body})]


def membership(blank: Event, data: Fields, _keys: frozenset[str]) -> list[Event]:
    """Only an active membership is one: invited is not yet in, inactive is out without a delete."""
    organization_id, user_id = data.id("organization_id"), data.id("user_id")
    if data.text_or_none("status") in (None, _ACTIVE):
        return [statements.joined(_dated(blank, data), organization_id, user_id, _role(data))]
    return [statements.left(_dated(blank, data), organization_id, user_id)]


def directory_user(blank: Event, data: Fields, keys: frozenset[str]) -> list[Event]:
    """A user of a customer's directory and, where its organisation is named, the membership in it.

    A directory takes access away by `state`; a delete may never come.
    """
    dated = _dated(blank, data)
    active = data.text_or_none("state") in (None, _ACTIVE)
    body = UserBody(
        external_ref=None,
        blocked=None if active else "deprovisioned",
        metadata=data.chosen_texts("custom_attributes", keys),
    )
    found = [statements.upsert(dated, user_entity(data), {**body}, directory_of(data))]
    organization_id = data.id_or_none("organization_id")
    if organization_id and active:
        found.append(statements.joined(dated, organization_id, data.id("id"), _role(data)))
    elif organization_id:
        found.append(statements.left(dated, organization_id, data.id("id")))
    return found


def directory(blank: Event, data: Fields, _keys: frozenset[str]) -> list[Event]:
    body = DirectoryBody(organization=data.id_or_none("organization_id"))
    return [statements.upsert(_dated(blank, data), directory_entity(data), {**body})]


def directory_of(data: Fields) -> Entity | None:
    """The directory that a user comes from."""
    directory_id = data.id_or_none("directory_id")
    return Entity(Kind.DIRECTORY, directory_id) if directory_id else None


def directory_entity(data: Fields) -> Entity:
    return Entity(Kind.DIRECTORY, data.id("id"))


def user_entity(data: Fields) -> Entity:
    return Entity(Kind.USER, data.id("id"))


def organization_entity(data: Fields) -> Entity:
    return Entity(Kind.ORGANIZATION, data.id("id"))


def membership_entity(data: Fields) -> Entity:
    return statements.membership_entity(data.id("organization_id"), data.id("user_id"))


def _role(data: Fields) -> str | None:
    """The first of several roles: the vocabulary has room for one."""
    several = data.each("roles")
    return several[0].text_or_none("slug") if several else data.text_or_none("role.slug")


def _dated(blank: Event, data: Fields) -> Event:
    return statements.dated(blank, data.instant_or_none("updated_at"))
