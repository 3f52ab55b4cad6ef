"""The canonical vocabulary that every connector yields: Event, Entity, and the normalised bodies.

Bodies carry what a plan, a limit or an access decision needs, and nothing else: no e-mail address, no name.
All instants are integers, microseconds since the epoch, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NotRequired, TypedDict


class EventOp(StrEnum):
    """What a statement says about its entity."""

    UPSERT = "upsert"
    """The entity exists and looks like `Event.body`."""
    DELETE = "delete"
    """The entity is gone."""
    SIGNAL = "signal"
    """Something about the entity changed; the payload does not say what, so it must be fetched."""
    IGNORE = "ignore"
    """Authentic, and of no interest to us."""


class Kind(StrEnum):
    """What an entity is, in every source's own world."""

    USER = "user"
    ORGANIZATION = "organization"
    MEMBERSHIP = "membership"
    DIRECTORY = "directory"
    """Whence a source has its users. Deleted for good (`terminal`), it takes all that it owns with it."""
    CUSTOMER = "customer"
    CHECKOUT = "checkout"
    SUBSCRIPTION = "subscription"
    ENTITLEMENTS = "entitlements"
    ORDER = "order"
    """A one-time purchase."""
    CATALOGUE = "catalogue"
    """A role, permission, product or price definition; only ever signalled."""


AUTH_KINDS = frozenset({Kind.USER, Kind.ORGANIZATION, Kind.MEMBERSHIP})


@dataclass(frozen=True, slots=True)
class Entity:
    """An object in a source. `id` is unique within (source, account, kind)."""

    kind: Kind
    id: str


class UserBody(TypedDict):
    """A person. `blocked` names the first of banned, locked, deprovisioned that holds, else None."""

    external_ref: str | None
    blocked: str | None
    metadata: dict[str, str]


class OrganizationBody(TypedDict):
    external_ref: str | None
    blocked: str | None
    metadata: dict[str, str]


class MembershipBody(TypedDict):
    """One user in one organisation. `role` is the source's slug, e.g. `org:admin`."""

    organization: str
    user: str
    role: str | None
    permissions: list[str]


class DirectoryBody(TypedDict):
    """A directory; `organization` is the one whose people it holds."""

    organization: str | None


class CustomerBody(TypedDict):
    """A billing customer. `metadata` holds only the keys that link rules name."""

    external_ref: str | None
    metadata: dict[str, str]


class CheckoutBody(TypedDict):
    """A completed checkout: the one place where some customers are tied to our own id."""

    client_reference_id: str | None
    metadata: dict[str, str]


class SubscriptionItem(TypedDict):
    """What is paid for. `lookup_key` is the human name of the plan or price (lookup key, slug, code)."""

    product: str | None
    price: str | None
    lookup_key: str | None
    quantity: int | None


class SubscriptionBody(TypedDict):
    """A subscription. `status` is one of SUBSCRIPTION_STATUSES; instants are microseconds or None."""

    status: str
    items: list[SubscriptionItem]
    trial_end: int | None
    period_start: int | None
    period_end: int | None
    cancel_at_period_end: bool
    cancel_at: int | None
    ended_at: int | None
    external_ref: str | None
    metadata: dict[str, str]
    pause_at: NotRequired[int]
    """A pause that is to begin then; there only if one is scheduled."""


class EntitlementsBody(TypedDict):
    """The entitlement set of one customer; `features` are lookup keys."""

    features: list[str]


class OrderBody(TypedDict):
    """A one-time purchase: nothing that a subscription bills. `status` is one of ORDER_STATUSES."""

    status: str
    items: list[SubscriptionItem]
    external_ref: str | None
    metadata: dict[str, str]


ORDER_STATUSES = frozenset({"pending", "paid", "refunded"})
"""Only a whole refund is `refunded`; of a part nobody can say which credits it was."""

SUBSCRIPTION_STATUSES = frozenset(
    {"trialing", "active", "past_due", "paused", "canceled", "incomplete", "ended"}
)
"""`canceled` keeps access until the paid-through date; `ended` has none. `past_due` includes unpaid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One immutable statement about one entity.

    `source` is the configured name. `account` is the instance, tenant or live mode inside the source.
    `delivery_id` is stable over the sender's retries. `version` orders statements about one entity, in
    microseconds of the *source's* clock; `resolution` is the length in microseconds of one tick of that clock
    (1_000_000 for a source that counts seconds): within one tick order is unknown. `rank` breaks a tie when
    the object cannot be fetched (created 0, updated 1, deleted 2). `terminal`: this id never comes back.
    `owner` is the entity this one hangs on (a subscription's customer or payer, a membership's organisation, a
    user's directory);
    `member` is a membership's user. `body` is one of the bodies above; empty for delete, signal and ignore.
    """

    source: str
    account: str
    delivery_id: str
    type: str
    occurred_at: int
    op: EventOp
    entity: Entity | None = None
    version: int = 0
    resolution: int = 1
    rank: int = 1
    terminal: bool = False
    owner: Entity | None = None
    member: Entity | None = None
    body: dict[str, Any] = field(default_factory=dict)
    """JSON-ready. Typed by the TypedDict of `entity.kind`."""
