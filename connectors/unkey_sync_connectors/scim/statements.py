"""What a change of a SCIM resource says, as events; and how such an event is stored, to be read again by a replay.

A stored statement holds ids, the active flag and a group's name: no user name, no e-mail address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync_connectors.base import Malformed, Unusable
from unkey_sync_connectors.event import (
    Entity,
    Event,
    EventOp,
    Kind,
    MembershipBody,
    OrganizationBody,
    UserBody,
)

if TYPE_CHECKING:
    from unkey_sync_connectors.base import SourceConfig

_DEPROVISIONED = "deprovisioned"


def say_user(source: str, user: str, version: int, *, active: bool) -> Event:
    """The user exists; inactive is how Okta and Entra take access away (RFC 7643, section 4.1.1)."""
    body = UserBody(external_ref=None, blocked=None if active else _DEPROVISIONED, metadata={})
    return _event(source, Entity(Kind.USER, user), version, body={**body})


def say_group(source: str, group: str, version: int) -> Event:
    body = OrganizationBody(external_ref=None, blocked=None, metadata={})
    return _event(source, Entity(Kind.ORGANIZATION, group), version, body={**body})


def say_member(source: str, group: str, user: str, version: int, *, role: str) -> Event:
    """The user is in the group. The group's display name is the role that policies map."""
    body = MembershipBody(organization=group, user=user, role=role, permissions=[])
    return _event(source, _membership(group, user), version, group=group, user=user, body={**body})


def say_gone(source: str, kind: Kind, entity_id: str, version: int) -> Event:
    """The user or group was deleted; its id never comes back."""
    return _event(source, Entity(kind, entity_id), version, op=EventOp.DELETE)


def say_left(source: str, group: str, user: str, version: int) -> Event:
    return _event(source, _membership(group, user), version, op=EventOp.DELETE, group=group, user=user)


def dump_statement(event: Event) -> bytes:
    """The event as it rests in the inbox."""
    return orjson.dumps(event)


def read_statement(config: SourceConfig, raw: bytes) -> Event:
    """The reverse of `dump_statement`. Raises Malformed, Unusable."""
    try:
        data: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Malformed("not JSON") from error
    if not isinstance(data, dict):
        raise Malformed("not an object")
    try:
        return Event(
            source=config.name,
            account=data["account"],
            delivery_id=data["delivery_id"],
            type=data["type"],
            occurred_at=data["occurred_at"],
            op=EventOp(data["op"]),
            entity=_entity(data["entity"]),
            version=data["version"],
            rank=data["rank"],
            terminal=data["terminal"],
            owner=_entity(data["owner"]),
            member=_entity(data["member"]),
            body=data["body"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unusable("not a stored SCIM statement") from error


def _entity(data: Any) -> Entity | None:
    return None if data is None else Entity(Kind(data["kind"]), data["id"])


def _membership(group: str, user: str) -> Entity:
    return Entity(Kind.MEMBERSHIP, f"{group}:{user}")


def _event(source: str, entity: Entity, version: int, **said: Any) -> Event:
    op = said.get("op", EventOp.UPSERT)
    gone = op is EventOp.DELETE
    group, user = said.get("group"), said.get("user")
    return Event(
        source=source,
        account="",
        delivery_id=f"{entity.kind}:{entity.id}@{version}",
        type=f"{entity.kind}.{'deleted' if gone else 'updated'}",
        occurred_at=version,
        op=op,
        entity=entity,
        version=version,
        rank=2 if gone else 1,
        terminal=gone and entity.kind is not Kind.MEMBERSHIP,
        owner=Entity(Kind.ORGANIZATION, group) if group else None,
        member=Entity(Kind.USER, user) if user else None,
        body=said.get("body", {}),
    )
