"""The answers we use, leniently read: unknown fields are ignored, absent and null mean empty.

A field of a wrong JSON type is an error (the call's outcome is then unknown), never coerced.
Source: Unkey v2 OpenAPI document, and what the real handlers leave out when it is empty.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator
from pydantic.alias_generators import to_camel

from unkey_sync.model import RateLimit
from unkey_sync.unkey.secret import SecretText


def _empty_list(value: object) -> object:
    return () if value is None else tuple(value) if isinstance(value, list) else value


def _empty_object(value: object) -> object:
    return {} if value is None else value


def _secret(value: object) -> SecretText:
    if not isinstance(value, str) or not value:
        raise ValueError("a key must be a text")
    return SecretText(value)


Id = Annotated[str, Field(min_length=1)]
Meta = Annotated[dict[str, Any], BeforeValidator(_empty_object)]
Names = Annotated[tuple[str, ...], BeforeValidator(_empty_list)]
Secret = Annotated[SecretText, PlainValidator(_secret)]


class Answer(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="ignore", frozen=True, alias_generator=to_camel, hide_input_in_errors=True
    )


class StoredRateLimit(Answer):
    """`duration` in milliseconds. Order inside a list of these is not specified and changes between calls."""

    id: str = ""
    name: Id
    limit: int
    duration: int
    auto_apply: bool = False

    def value(self) -> RateLimit:
        return RateLimit(name=self.name, limit=self.limit, duration=self.duration, auto_apply=self.auto_apply)


RateLimits = Annotated[tuple[StoredRateLimit, ...], BeforeValidator(_empty_list)]


class Identity(Answer):
    id: Id
    external_id: str
    """Empty in a key whose identity has been deleted."""
    meta: Meta = Field(default={}, repr=False)
    ratelimits: RateLimits = ()

    def limits(self) -> tuple[RateLimit, ...]:
        """Sorted, so that equal states compare equal."""
        return tuple(sorted(limit.value() for limit in self.ratelimits))


class UpdatedIdentity(Answer):
    """Deliberately without meta: Unkey echoes there what was sent, not what is stored."""

    id: Id


class CreatedIdentity(Answer):
    identity_id: Id


class StoredRefill(Answer):
    interval: str
    amount: int
    refill_day: int | None = None


class StoredCredits(Answer):
    """`remaining` None: unlimited."""

    remaining: int | None = None
    refill: StoredRefill | None = None


class Key(Answer):
    """`expires`, `created_at` in milliseconds.

    `permissions`: direct ones and those of roles, indistinguishable.
    """

    key_id: Id
    enabled: bool
    start: str = ""
    name: str | None = Field(default=None, repr=False)
    meta: Meta = Field(default={}, repr=False)
    created_at: int | None = None
    expires: int | None = None
    credits: StoredCredits | None = None
    identity: Identity | None = None
    permissions: Names = ()
    roles: Names = ()
    ratelimits: RateLimits = ()


class CreatedKey(Answer):
    """`key` is shown by Unkey this one time only."""

    key_id: Id
    key: Secret


class Migrated(Answer):
    hash: Id
    key_id: Id


class MigratedKeys(Answer):
    """`failed`: hashes that exist already; find their key with `whoami`."""

    migrated: Annotated[tuple[Migrated, ...], BeforeValidator(_empty_list)] = ()
    failed: Names = ()


class Permission(Answer):
    id: Id
    slug: Id
    name: str = ""


class Role(Answer):
    id: Id
    name: Id
    description: str = ""
    permissions: Annotated[tuple[Permission, ...], BeforeValidator(_empty_list)] = ()

    def slugs(self) -> frozenset[str]:
        return frozenset(permission.slug for permission in self.permissions)


class CreatedRole(Answer):
    role_id: Id


class CreatedPermission(Answer):
    permission_id: Id


class Api(Answer):
    id: Id
    name: str = ""


class Verification(Answer):
    """`code`.

    VALID, NOT_FOUND, FORBIDDEN, DISABLED, EXPIRED, RATE_LIMITED, USAGE_EXCEEDED,
    INSUFFICIENT_PERMISSIONS.
    """

    valid: bool
    code: str
    key_id: str = ""


class Done(Answer):
    """For operations whose answer says nothing more."""


class Page(Answer):
    """`cursor` is the next page's, and must be there if there is more."""

    has_more: bool
    cursor: str | None = None
