"""The rows that the sandbox stores. Plain, immutable, JSON-ready; instants are milliseconds, as in Unkey's
API.

Links to roles and permissions are ids; a link to a deleted role or permission is simply no link any more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


class Row(Protocol):
    @property
    def id(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    id: str
    enabled: bool = True
    deleted: bool = False
    requests_per_minute: int | None = None
    """None: unlimited. 0: everything is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootKey:
    """`secret` is kept because a restarted sandbox prints its root keys again."""

    id: str
    name: str
    secret: str = field(repr=False)
    hash: str = field(repr=False)
    workspace: str
    permissions: tuple[str, ...]
    enabled: bool = True
    expires: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    id: str
    workspace: str
    name: str
    keyspace: str
    encrypted: bool = False
    protected: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    id: str
    workspace: str
    external_id: str
    meta: dict[str, Any] = field(default_factory=dict, repr=False)
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A named rate limit. `owner` is the id of an identity or a key; `duration` in milliseconds."""

    id: str
    owner: str
    name: str
    limit: int
    duration: int
    auto_apply: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    id: str
    workspace: str
    api: str
    keyspace: str
    hash: str = field(repr=False)
    start: str
    created_at: int
    name: str | None = None
    meta: dict[str, Any] | None = field(default=None, repr=False)
    identity: str | None = None
    enabled: bool = True
    expires: int | None = None
    remaining: int | None = None
    refill_amount: int | None = None
    refill_day: int | None = None
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    updated_at: int | None = None
    deleted: bool = False
    plaintext: str | None = field(default=None, repr=False)
    """Only of recoverable keys."""
    migration: str | None = None
    """The migration that brought this key and has not seen its secret yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    id: str
    workspace: str
    name: str
    description: str = ""
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    id: str
    workspace: str
    name: str
    slug: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    id: str
    workspace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    id: str
    namespace: str
    identifier: str
    limit: int
    duration: int
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    id: str
    workspace: str
    name: str
    algorithm: str
