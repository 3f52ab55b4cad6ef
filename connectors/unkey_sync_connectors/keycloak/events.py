"""What Keycloak's events mean: admin events (somebody changed it) and access events (users did it themselves).

Source: Keycloak's event documentation. Both must be read: self-registration makes no admin event, the console no
access event. What the tables do not name, logins above all, is ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unkey_sync_connectors import statements
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind
from unkey_sync_connectors.keycloak import bodies
from unkey_sync_connectors.keycloak.shapes import ACCESS, ADMIN, Told, read_told
from unkey_sync_connectors.payload import Fields, body_digest, naming, read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync_connectors.base import Delivery, SourceConfig

_RANKS = {"CREATE": 0, "REGISTER": 0, "DELETE": 2}
_UUID_LENGTH = 36


def read_delivery(config: SourceConfig, delivery: Delivery) -> Sequence[Event]:
    """The events of one delivery. Raises Malformed, Unusable."""
    envelope = Fields(read_object(delivery.body))
    return read_event(config, envelope, body_digest(config.name, delivery.body))


def read_event(config: SourceConfig, envelope: Fields, fallback_id: str) -> Sequence[Event]:
    """What one event says. `fallback_id`: for events without an id of their own. Raises Unusable."""
    with naming(fallback_id):
        told = read_told(envelope)
    delivery_id = told.id or fallback_id
    with naming(delivery_id, told.type):
        _check_realm(config, told)
        blank = _blank(config, told, delivery_id)
        reader = _reader(told)
        return (reader(blank, told, config.metadata_keys) if reader else None) or [blank]


def read_feed_event(config: SourceConfig, envelope: Fields, fallback_id: str) -> Sequence[Event]:
    """The same for stored events, where nobody can park a delivery: what cannot be understood is passed over."""
    try:
        return read_event(config, envelope, fallback_id)
    except Unusable:
        return []


def _check_realm(config: SourceConfig, told: Told) -> None:
    """A name cannot be compared with a UUID, and some versions give nothing else."""
    only_ids = all(len(realm) == _UUID_LENGTH for realm in told.realms)
    if told.realms and not (only_ids and len(config.account) != _UUID_LENGTH):
        statements.check_account(config, "realmId", *told.realms)


def _blank(config: SourceConfig, told: Told, delivery_id: str) -> Event:
    return Event(
        source=config.name,
        account=told.realms[0] if told.realms else "",
        delivery_id=delivery_id,
        type=told.type,
        occurred_at=told.time.us,
        op=EventOp.IGNORE,
        version=told.time.us,
        resolution=told.time.tick,
        rank=_RANKS.get(told.operation, 1),
    )


def _reader(told: Told) -> Callable[[Event, Told, frozenset[str]], Sequence[Event]] | None:
    if told.failed:
        return None
    if told.family == ADMIN:
        return _ADMIN.get(told.resource)
    return _ACCESS.get(told.operation) if told.family == ACCESS else None


def _user(blank: Event, told: Told, keys: frozenset[str]) -> Sequence[Event]:
    """`users/{id}` itself; what hangs on it (a password reset) is no change of the user."""
    if told.path[:1] != ("users",) or len(told.path) != 2:
        return []
    entity = Entity(Kind.USER, told.path[1])
    if told.operation == "DELETE":
        return [statements.delete(blank, entity, terminal=True)]
    if told.operation == "CREATE":
        return _whole(bodies.user(blank, entity.id, _object(told.content), keys), told)
    if told.operation == "UPDATE":
        return _partial(bodies.user(blank, entity.id, _object(told.content), keys), told)
    return []


def _organization(blank: Event, told: Told, keys: frozenset[str]) -> Sequence[Event]:
    if told.path[:1] != ("organizations",) or len(told.path) != 2:
        return []
    entity = Entity(Kind.ORGANIZATION, told.path[1])
    if told.operation == "DELETE":
        return [statements.delete(blank, entity, terminal=True)]
    event = bodies.organization(blank, entity.id, _object(told.content), keys)
    return _whole(event, told) if told.operation == "CREATE" else _partial(event, told)


def _whole(event: Event, told: Told) -> Sequence[Event]:
    """A new object: it exists, even where the realm leaves out what it looks like."""
    return [event] if told.content else [event, statements.look_again(event)]


def _partial(event: Event, told: Told) -> Sequence[Event]:
    """A change may hold only what changed. Whether it is enabled counts at once; the rest is fetched."""
    if _object(told.content).raw().get("enabled") is None:
        return [statements.signal(event, event.entity)] if event.entity else []
    return [event, statements.look_again(event)]


def _organization_member(blank: Event, told: Told, _keys: frozenset[str]) -> Sequence[Event]:
    """`organizations/{id}/members/{user}`; on older versions the user stands in the content only."""
    if told.path[:1] != ("organizations",) or told.path[2:3] != ("members",):
        return []
    user_id = told.path[3] if len(told.path) > 3 else _object(told.content).id("id")
    said = statements.left if told.operation == "DELETE" else statements.joined
    return [said(blank, told.path[1], user_id)]


def _roles(blank: Event, told: Told, _keys: frozenset[str]) -> Sequence[Event]:
    """`users/{id}/role-mappings/…`. The roles of groups are not read, as groups are not."""
    if told.path[:1] != ("users",) or told.path[2:3] != ("role-mappings",):
        return []
    if told.content is None:
        raise Unusable("representation is missing; switch on `Include representation` in the realm")
    said = bodies.grant_deleted if told.operation == "DELETE" else bodies.grant
    roles = Fields({"representation": told.content}).each("representation")
    return [said(blank, blank.account, told.path[1], role) for role in roles]


def _registered(blank: Event, told: Told, keys: frozenset[str]) -> Sequence[Event]:
    """It exists; what it looks like is to be fetched."""
    event = bodies.user(blank, _subject(told), Fields({}), keys)
    return [event, statements.look_again(event)]


def _changed(blank: Event, told: Told, _keys: frozenset[str]) -> Sequence[Event]:
    return [statements.signal(blank, Entity(Kind.USER, _subject(told)))]


def _left(blank: Event, told: Told, _keys: frozenset[str]) -> Sequence[Event]:
    return [statements.delete(blank, Entity(Kind.USER, _subject(told)), terminal=True)]


def _subject(told: Told) -> str:
    if told.user is None:
        raise Unusable("userId is missing")
    return told.user


def _object(content: Any) -> Fields:
    if content is not None and not isinstance(content, dict):
        raise Unusable("representation is not an object")
    return Fields(content or {}, "representation")


_ADMIN: dict[str, Callable[[Event, Told, frozenset[str]], Sequence[Event]]] = {
    "USER": _user,
    "ORGANIZATION": _organization,
    "ORGANIZATION_MEMBERSHIP": _organization_member,
    "REALM_ROLE_MAPPING": _roles,
    "CLIENT_ROLE_MAPPING": _roles,
}

_ACCESS: dict[str, Callable[[Event, Told, frozenset[str]], Sequence[Event]]] = {
    "REGISTER": _registered,
    "UPDATE_PROFILE": _changed,
    "UPDATE_EMAIL": _changed,
    "VERIFY_EMAIL": _changed,
    "DELETE_ACCOUNT": _left,
}

ACCESS_TYPES = tuple(_ACCESS)
"""What to ask the stored access events for."""
