"""The values that the pure core passes around: State -> Desired, Desired x Observed -> Operation.

Everything here is immutable and JSON-ready; nothing here does I/O. Instants are microseconds, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unkey_sync_connectors.event import Entity, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Newest known state of one entity, as desired() reads it (see facts.py for how statements merge)."""

    source: str
    entity: Entity
    version: int
    deleted: bool
    body: dict[str, Any] = field(repr=False)
    event_type: str
    """The vendor's event type that said so, or `fetch` / `backfill`."""
    event_id: str
    """Our id of the event that said so."""
    past_due_since: int | None = None
    """Subscriptions: earliest instant since which it has been past due without interruption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What desired() knows beside facts and policy."""

    auth_sources: frozenset[str] = frozenset()
    """Names of the configured auth sources. Empty: a linked billing customer alone makes a subject exist."""


class SubjectKind(StrEnum):
    USER = "user"
    ORGANIZATION = "organization"
    UNKNOWN = "unknown"
    """Known from billing only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All facts of one subject, from all sources."""

    subject: str
    """The subject's id in the auth source (or what billing names it), as it came."""
    facts: tuple[Fact, ...]

    def of(self, kind: Kind) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if fact.entity.kind is kind)


class Access(StrEnum):
    """What a subject may do."""

    WAITING = "waiting"
    """Not known well enough yet (billing speaks of it, auth has not): nothing is made, nothing is taken."""
    ENABLED = "enabled"
    SUSPENDED = "suspended"
    """Keys disabled, everything kept."""
    RETAINED = "retained"
    """Deleted at the source: keys disabled, identity kept until the retention is over."""
    REMOVED = "removed"
    """Keys disabled and verified, then the identity deleted."""


@dataclass(frozen=True, slots=True, order=True)
class RateLimit:
    """An Unkey rate limit. `duration` in milliseconds, at least 1000; `limit` at least 1."""

    name: str
    limit: int
    duration: int
    auto_apply: bool


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A place for exactly one usable key. `member` is the organisation's member it is for; "" = the subject."""

    name: str
    member: str = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """A key's credits, whole. `interval` None: no refill; `day` only with monthly (Unkey's refillDay)."""

    remaining: int
    interval: str | None = None
    amount: int = 0
    day: int | None = None


UNKNOWN_QUOTA = Quota(-1)
UNKNOWN_ROLES = frozenset({"?"})
"""What a key may hold after a turn that was never written down. No policy can say so: it is written again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredKey:
    """The key that a slot should hold. `quota` None: unlimited."""

    slot: Slot
    prefix: str | None = None
    roles: frozenset[str] = frozenset()
    quota: Quota | None = None
    carry: bool = False
    """What was spent of another plan's quota counts against this one."""
    deliver: str = "vault"
    notify: bool = False
    imported: bool = False
    """We make its secret and hand in the hash; else Unkey makes it."""


@dataclass(frozen=True, slots=True)
class OthersRoles:
    """Of the `managed` roles, which are ours to give and to take, exactly the `wanted` ones."""

    wanted: frozenset[str]
    managed: frozenset[str]


@dataclass(frozen=True, slots=True, order=True)
class TopUp:
    """Credits bought once. `refunded`: they are taken back if they were given, and else never given."""

    id: str
    slot: str
    credits: int
    refunded: bool = False

    @property
    def refund_id(self) -> str:
        return f"{self.id}:refund"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one field of the desired state is as it is; `unkey-sync why` prints these."""

    field: str
    value: str
    rule: str
    """The line of policy or the built-in rule, e.g. `plans[1].match[0]`, `lifecycle.past_due`."""
    event_type: str = ""
    event_id: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What no rule covers, and the event that said so; that event is parked, its subject goes on."""

    text: str
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What Unkey should hold for one subject, and when that changes by itself."""

    external_id: str
    """Encoded for Unkey."""
    kind: SubjectKind
    access: Access
    plan: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    """The meta fields that we own, whole: plan fields at the top level and our own block under `sync`."""
    ratelimits: tuple[RateLimit, ...] = ()
    keys: tuple[DesiredKey, ...] = ()
    top_ups: tuple[TopUp, ...] = ()
    others: OthersRoles | None = None
    """What keys that others made for the identity should hold; None: they are left alone."""
    seats: int = 1
    changes_at: int | None = None
    """The next instant at which this answer differs without any new event."""
    reasons: tuple[Reason, ...] = ()
    problems: tuple[Problem, ...] = ()
    """What a person must look at although the rest is in order, e.g. `unknown plan: ...`."""
    removed_since: int | None = None
    """REMOVED: the instant the retention ended, on the source's clock; never later than now."""


REVOKED = 0
"""`Rotation.overlap_until` of an emptied slot: the keys before end at once, and no next one is made."""
AT_ONCE = 1
"""`Rotation.overlap_until` after a leak: the keys before end first, then the next one is made."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """The generation a slot should hold, and until when the one before it may still be used."""

    slot: Slot
    generation: int
    overlap_until: int
    """An instant, or `REVOKED`, or `AT_ONCE`."""

    def ends_at_once(self, key: ObservedKey) -> bool:
        """True for a key of this slot that may not be used any more, whatever else holds."""
        return self.overlap_until <= AT_ONCE and key.generation < self.generation


def rotation_of(rotations: Iterable[Rotation], slot: Slot) -> Rotation:
    """What is wanted of a slot; one that was never turned wants its first key."""
    return next((one for one in rotations if one.slot == slot), Rotation(slot, 1, AT_ONCE))


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedKey:
    """A key of the subject's identity. `disabled_by_us`: we disabled it or are about to, so we may enable it again."""

    key_id: str
    enabled: bool
    disabled_by_us: bool = False
    slot: Slot | None = None
    """The slot it was made for; None for keys that others made."""
    generation: int = 0
    armed: bool = True
    """False: made by us and never yet enabled."""
    roles: frozenset[str] = frozenset()
    quota: Quota | None = None
    """Roles and quota as we wrote them last. Keys of others: the roles that the last listing showed, no quota."""
    expires_at: int | None = None
    """Keys in slots: when a rotation ends it."""
    prepaid: int | None = None
    """At most so many of its credits were bought and are not spent. None: it never had any but the plan's."""
    orphan: bool = False
    """Ours by its marker, disabled, and unknown to the ledger: the trace of a call whose answer was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A secret that we made and wrote down before it is handed in. Sealed for the hand-over row it will become."""

    slot: Slot
    generation: int
    handover_id: str
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the ledger says Unkey holds for one subject, or a fresh read of Unkey."""

    identity_id: str | None = None
    meta: dict[str, Any] = field(default_factory=dict, repr=False)
    """The meta as it stands in Unkey, foreign fields included, as far as known."""
    owned_fields: frozenset[str] = frozenset()
    """Top-level meta fields that we wrote."""
    ratelimits: tuple[RateLimit, ...] = ()
    keys: tuple[ObservedKey, ...] | None = None
    """None: never listed. A tuple: what the last complete listing plus our own writes say."""
    rotations: tuple[Rotation, ...] = ()
    """Slots whose key has been replaced, or is to be."""
    orphans_due_at: int | None = None
    """When to look for the traces of lost answers."""
    granted: frozenset[str] = frozenset()
    """Top-ups and refunds that have been given, by id. They outlive everything: nothing is given twice."""
    drafts: tuple[Draft, ...] = ()
    """Secrets of our own making whose keys are not known yet."""
    written_at: int | None = None
    """When we last changed anything of it: until Unkey has settled, what is read may be older."""
    looked_at: int = 0
    """When it was last read afresh, whole."""
    balances_written_at: int | None = None
    """When a key's credits were last written; until Unkey has settled, a balance that is read proves nothing."""
    keys_listed_at: int | None = None
    """When the last complete listing of keys *began*, on our clock."""
    fenced_at: int | None = None
    """While access is closed (suspended, retained, removed): when its first listing began or, if later, when
    we last disabled a key. None again as soon as access is enabled. A listing proves something only when it
    began at least the settle time after this."""
    removed: bool = False
    """We deleted the identity ourselves."""


def current_key(observed: Observed, slot: Slot) -> ObservedKey | None:
    """The key of the slot's wanted generation, made already."""
    generation = rotation_of(observed.rotations, slot).generation
    found = (key for key in observed.keys or () if key.slot == slot and key.generation == generation)
    return next(found, None)


@dataclass(frozen=True, slots=True)
class Moment:
    """`now`, and how long Unkey's replicas may lag behind: both microseconds."""

    now: int
    settle_us: int


class Call(StrEnum):
    """The Unkey operations that a plan can hold, by Unkey's own names."""

    CREATE_IDENTITY = "identities.createIdentity"
    UPDATE_IDENTITY = "identities.updateIdentity"
    DELETE_IDENTITY = "identities.deleteIdentity"
    LIST_KEYS = "apis.listKeys"
    UPDATE_KEY = "keys.updateKey"
    CREATE_KEY = "keys.createKey"
    MIGRATE_KEYS = "keys.migrateKeys"
    DELETE_KEY = "keys.deleteKey"
    SET_ROLES = "keys.setRoles"
    ADD_ROLES = "keys.addRoles"
    REMOVE_ROLES = "keys.removeRoles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One Unkey call that moves observed towards desired."""

    call: Call
    target: str
    """The external id, or the key id for calls on keys."""
    before: dict[str, Any] = field(default_factory=dict, repr=False)
    after: dict[str, Any] = field(default_factory=dict, repr=False)
    why: str = ""


def same_json(wanted: Any, found: Any) -> bool:
    """Equality as JSON means it: `true` is not 1, while 1 and 1.0 are one number.

    A foreign field is the same object on both sides, so only our own, shallow fields are ever walked.
    """
    if wanted is found:
        return True
    if isinstance(wanted, bool) or isinstance(found, bool):
        return False
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(same_json(wanted[k], found[k]) for k in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(same_json, wanted, found))
    return bool(wanted == found)
