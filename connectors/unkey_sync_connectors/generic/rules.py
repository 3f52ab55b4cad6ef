"""Rules: what an event of some type says about which entity. Compiled once, applied to every message.

Of the rules whose `types` match an event, the most exact ones apply: a full name before a prefix, a longer
prefix before a shorter. An event that no rule matches is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import AUTH_KINDS, Entity, Event, EventOp, Kind
from unkey_sync_connectors.generic.bodies import KINDS, Body, Slot, compile_body
from unkey_sync_connectors.generic.values import to_flag, to_id, to_instant, to_list
from unkey_sync_connectors.statements import ORDER_RANKS
from unkey_sync_connectors.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from unkey_sync_connectors.generic.options import Options
    from unkey_sync_connectors.generic.paths import Scope
    from unkey_sync_connectors.generic.terms import Terms
    from unkey_sync_connectors.timestamps import Instant

_OPS = {"upsert": EventOp.UPSERT, "delete": EventOp.DELETE, "ignore": EventOp.IGNORE}
_KEYS = frozenset({"types", "op", "entity", "when", "for_each", "version", "terminal", "body", "owner"})
_OWNERS = {kind.value: kind for kind in (Kind.CUSTOMER, Kind.USER, Kind.ORGANIZATION)}
_OWNED = frozenset({Kind.SUBSCRIPTION, Kind.CHECKOUT, Kind.ENTITLEMENTS, Kind.ORDER})
_EXACT = 10_000
_CREATED = ("created", "create", "added")


@dataclass(frozen=True, slots=True)
class _Party:
    """Another entity that this one hangs on."""

    kind: Kind
    id: Slot

    def read(self, scope: Scope) -> Entity | None:
        found = self.id.read(scope)
        return Entity(self.kind, found) if found else None


@dataclass(frozen=True, slots=True)
class _Plain:
    """An entity with an id of its own, and what owns it."""

    kind: Kind
    id: Slot
    owner: _Party | None

    def read(self, scope: Scope, blank: Event) -> Event:
        owner = self.owner.read(scope) if self.owner else None
        if self.owner and owner is None and blank.op is EventOp.UPSERT:
            raise Unusable(f"{self.owner.id.label}: {self.owner.id.term.text} is missing")
        return replace(blank, entity=Entity(self.kind, self.id.need(scope)), owner=owner)


@dataclass(frozen=True, slots=True)
class _Membership:
    """Named by its two parties, so that leaving and joining again is one entity."""

    organization: Slot
    user: Slot

    def read(self, scope: Scope, blank: Event) -> Event:
        organization, user = self.organization.need(scope), self.user.need(scope)
        # An escaped colon keeps "a:b" + "c" apart from "a" + "b:c".
        escaped = organization.replace("%", "%25").replace(":", "%3A")
        return replace(
            blank,
            entity=Entity(Kind.MEMBERSHIP, f"{escaped}:{user}"),
            owner=Entity(Kind.ORGANIZATION, organization),
            member=Entity(Kind.USER, user),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One statement that an event makes. `who` is None for events that are ignored."""

    types: tuple[str, ...]
    op: EventOp
    who: _Plain | _Membership | None
    kind: Kind | None
    when: Slot | None
    for_each: Slot | None
    version: Slot | None
    body: Body | None
    terminal: bool

    def exactness(self, event_type: str) -> int:
        """How exactly this rule means the type; 0 is not at all."""
        return max((_exactness(pattern, event_type) for pattern in self.types), default=0)

    def read(self, scope: Scope, blank: Event, keys: frozenset[str]) -> Iterator[Event]:
        """What the event says. Raises Unusable."""
        if self.who is None:
            return
        for item in self.for_each.read(scope) if self.for_each else [scope.item]:
            inner = replace(scope, item=item)
            if self.when is None or self.when.read(inner):
                yield self._event(self.who, inner, blank, keys)

    def _event(self, who: _Plain | _Membership, scope: Scope, blank: Event, keys: frozenset[str]) -> Event:
        event = who.read(scope, replace(blank, op=self.op, terminal=self.terminal))
        body = self.body.read(scope, keys) if self.body else {}
        if isinstance(who, _Membership) and self.body and event.owner and event.member:
            body = {"organization": event.owner.id, "user": event.member.id, **body}
        version = self.version.read(scope) if self.version else None
        return _dated(replace(event, body=body, rank=_rank(event, body)), version)


def _rank(event: Event, body: dict[str, Any]) -> int:
    if event.op is EventOp.DELETE or body.get("status") == "ended":
        return 2
    if event.entity and event.entity.kind is Kind.ORDER:
        return ORDER_RANKS[body["status"]]
    return 0 if event.type.endswith(_CREATED) else 1


def _dated(event: Event, version: Instant | None) -> Event:
    """Version from the object itself, else from the event. Raises Unusable when neither says when."""
    if version is not None:
        event = replace(event, version=version.us, resolution=version.tick)
    if event.version == 0:
        raise Unusable("neither version nor envelope.time says when this happened")
    if event.op is EventOp.DELETE and event.resolution == SECOND:
        # A delete that is told in whole seconds comes after everything in its second.
        event = replace(event, version=event.version + SECOND - 1)
    return replace(event, occurred_at=event.occurred_at or event.version)


def select(rules: Sequence[Rule], event_type: str) -> list[Rule]:
    """The rules that mean this type most exactly."""
    found = [(rule.exactness(event_type), rule) for rule in rules]
    best = max((exactness for exactness, _ in found), default=0)
    return [rule for exactness, rule in found if exactness == best and best]


def speaks_of_people(rules: Sequence[Rule]) -> bool:
    """True when the rules make a source one that says who exists."""
    return any(rule.kind in AUTH_KINDS for rule in rules)


def compile_rules(options: Options, terms: Terms) -> list[Rule]:
    """Compile the `rules` tables. Raises ConfigProblem."""
    return [_compile(name, table, terms) for name, table in options.tables("rules")]


def _compile(name: str, options: Options, terms: Terms) -> Rule:
    types = _types(options)
    op = _OPS[_op(options)]
    kind = None if op is EventOp.IGNORE else Kind(options.choice("entity", KINDS))
    options.only(_KEYS | ({"organization", "user"} if kind is Kind.MEMBERSHIP else {"id"}))
    upsert = kind is not None and op is EventOp.UPSERT
    return Rule(
        types=types,
        op=op,
        who=_who(kind, op, options, terms) if kind else None,
        kind=kind,
        when=_slot(options, terms, "when", to_flag),
        for_each=_slot(options, terms, "for_each", to_list),
        version=_slot(options, terms, "version", to_instant),
        body=compile_body(kind, options.table("body"), terms, f"{name}.body") if upsert and kind else None,
        terminal=options.flag("terminal"),
    )


def _op(options: Options) -> str:
    if options.data.get("op") == "signal":
        raise options.problem("cannot be signal: a generic source has no API to fetch the object from", "op")
    return options.choice("op", _OPS, "upsert")


def _who(kind: Kind, op: EventOp, options: Options, terms: Terms) -> _Plain | _Membership:
    if kind is Kind.MEMBERSHIP:
        return _Membership(
            _needed(options, terms, "organization"),
            _needed(options, terms, "user"),
        )
    if kind in _OWNED and op is EventOp.UPSERT and "owner" not in options.data:
        raise options.problem(f"is required: a {kind} belongs to a customer, user or organization", "owner")
    owner = _party(options.table("owner"), terms, str(options.path[-1])) if "owner" in options.data else None
    return _Plain(kind, _needed(options, terms, "id"), owner)


def _party(options: Options, terms: Terms, rule: str) -> _Party:
    options.only(("kind", "id"))
    kind = _OWNERS[options.choice("kind", _OWNERS, "customer")]
    return _Party(kind, Slot(f"{rule}.owner.id", terms.required(options, "id"), to_id))


def _needed(options: Options, terms: Terms, key: str) -> Slot:
    return Slot(f"{options.path[-1]}.{key}", terms.required(options, key), to_id)


def _slot(options: Options, terms: Terms, key: str, meaning: Callable[[Any], Any]) -> Slot | None:
    term = terms.optional(options, key)
    return Slot(f"{options.path[-1]}.{key}", term, meaning) if term else None


def _types(options: Options) -> tuple[str, ...]:
    types = options.texts("types")
    if "types" not in options.data:
        raise options.problem("is required: event types, or prefixes that end in *", "types")
    if not all(one and "*" not in one[:-1] for one in types):
        raise options.problem("must be event types, or prefixes with one * at the end", "types")
    return types


def _exactness(pattern: str, event_type: str) -> int:
    if pattern == event_type:
        return _EXACT
    prefix = pattern.removesuffix("*")
    return len(prefix) + 1 if prefix != pattern and event_type.startswith(prefix) else 0
