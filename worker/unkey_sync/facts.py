"""How statements about one entity merge into what is known of it: a join-semilattice.

`join` is commutative, associative and idempotent, so every order and every repetition of a set of statements ends
in the same register. Pure: no clock, no store. Whether a doubt can be settled by fetching is the engine's concern.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from unkey_sync_connectors.event import Event, EventOp, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

SIGNAL = "signal"
TOGETHER = "together"
"""Stands for the delivery of a statement that nobody sent: that of a directory, about its users."""


class Statement(NamedTuple):
    """One delivery's word about an entity: what it says (`content`) and who said it (`delivery`)."""

    content: str
    delivery: str


_Dated = tuple[int, frozenset[Statement]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What is known of one entity; four registers side by side, each a semilattice of its own.

    1. the newest *body*: `body`, `deleted`, `terminal`, `body_version`, `rank`, `covered`, `digest`;
    2. the newest *statements*: `version` and all distinct ones at that version, `seen`;
    3. the statements a fetch has taken into account: `settled` at `settled_version`;
    4. *standing* of a subscription: newest version in good standing, and every past-due version after it.

    Versions are microseconds of the source's clock. `covered` > 0 marks a fetched body: the number of statements
    that fetch had taken into account, so that of two fetches at one version the later wins.
    """

    body: dict[str, Any]
    deleted: bool
    terminal: bool
    body_version: int
    rank: int
    covered: int
    digest: str
    event_type: str
    event_id: str
    version: int
    seen: frozenset[Statement]
    settled_version: int = -1
    settled: frozenset[Statement] = frozenset()
    good_version: int = -1
    past_due_versions: frozenset[int] = frozenset()

    @property
    def doubt(self) -> bool:
        """True when the order of what was said cannot be known, or nothing was said but "it changed"."""
        unsettled = self.seen - self.settled if self.settled_version == self.version else self.seen
        if not unsettled:
            return False
        if self.version > self.body_version:  # a signal, or life after a terminal end
            return True
        if self.settled_version == self.version:
            return any(statement.content != self.digest for statement in unsettled)
        return len({statement.content for statement in self.seen}) > 1

    @property
    def past_due_since(self) -> int | None:
        """Earliest version since which a subscription has been past due without interruption."""
        return min(self.past_due_versions, default=None)

    def says_the_same(self, other: Register | None) -> bool:
        """True when nothing that a decision reads differs."""
        return other is not None and (self is other or _meaning(self) == _meaning(other))

    def has_heard(self, event: Event) -> bool:
        """True when this very statement is part of it already: joining it again would change nothing but ids."""
        return event.version == self.version and _statement(event) in self.seen


def _meaning(register: Register) -> tuple[object, ...]:
    return (register.digest, register.deleted, register.doubt, register.past_due_since)


def from_event(event: Event, event_id: str) -> Register:
    """The register that knows this one statement."""
    said = _statement(event)
    empty = event.op is EventOp.SIGNAL
    good, past_due = _standing(event)
    return Register(
        body={} if empty else event.body,  # a delete may say where its entity belonged
        deleted=event.op is EventOp.DELETE,
        terminal=event.terminal and not empty,
        body_version=-1 if empty else event.version,
        rank=event.rank,
        covered=0,
        digest="" if empty else said.content,
        event_type=event.type,
        event_id=event_id,
        version=event.version,
        seen=frozenset({said}),
        good_version=good,
        past_due_versions=past_due,
    )


def join(left: Register, right: Register) -> Register:
    """The least register that knows everything both know."""
    newest = max(left, right, key=_body_order)
    version, seen = _join_sets((left.version, left.seen), (right.version, right.seen))
    settled_version, settled = _join_sets(
        (left.settled_version, left.settled), (right.settled_version, right.settled)
    )
    good = max(left.good_version, right.good_version)
    past_due = frozenset(v for v in left.past_due_versions | right.past_due_versions if v > good)
    return replace(
        newest,
        version=version,
        seen=seen,
        settled_version=settled_version,
        settled=settled,
        good_version=good,
        past_due_versions=past_due,
    )


def join_all(registers: Iterable[Register | None]) -> Register:
    """Join of at least one register; None stands for "nothing known"."""
    known = [register for register in registers if register is not None]
    result = known[0]
    for register in known[1:]:
        result = join(result, register)
    return result


def settle(register: Register, fetched: Event, event_id: str) -> Register:
    """What is known once the object was read from the source, with `register` known when the reading began."""
    version = max(register.version, fetched.version)
    own = from_event(replace(fetched, version=version), event_id)
    seen = own.seen if version > register.version else register.seen
    answer = replace(own, covered=len(seen), seen=seen, settled_version=version, settled=seen)
    return join(register, answer)


def end_with(holder: Register) -> Register:
    """The delete of what goes for good together with `holder`, which is deleted for good.

    The end of a join is the join of the ends, so that it does not matter when each of several deletes is heard.
    """
    return replace(
        holder,
        body={},
        version=holder.body_version,
        seen=frozenset({Statement(holder.digest, TOGETHER)}),
        settled_version=-1,
        settled=frozenset(),
        good_version=-1,
        past_due_versions=frozenset(),
    )


def _statement(event: Event) -> Statement:
    content = SIGNAL if event.op is EventOp.SIGNAL else digest_of(event)
    return Statement(content, _short(event.delivery_id))


def digest_of(event: Event) -> str:
    """Stable digest of what an event says, whoever delivered it."""
    said = [event.op.value, event.terminal, event.body if event.op is EventOp.UPSERT else None]
    return _short(orjson.dumps(said, option=orjson.OPT_SORT_KEYS))


def _short(text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    return hashlib.blake2b(raw, digest_size=8).hexdigest()


def _body_order(register: Register) -> tuple[object, ...]:
    return (
        register.terminal,
        register.body_version,
        register.covered,
        register.rank,
        register.digest,
        register.event_type,
        register.event_id,
    )


def _join_sets(left: _Dated, right: _Dated) -> _Dated:
    if left[0] == right[0]:
        return left[0], left[1] | right[1]
    return max(left, right, key=lambda pair: pair[0])


def _standing(event: Event) -> tuple[int, frozenset[int]]:
    if event.entity is None or event.entity.kind is not Kind.SUBSCRIPTION or event.op is not EventOp.UPSERT:
        return -1, frozenset()
    if event.body.get("status") == "past_due":
        return -1, frozenset({event.version})
    return event.version, frozenset()
