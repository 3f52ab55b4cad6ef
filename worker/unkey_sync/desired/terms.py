"""How long a subscription counts, and what follows: status and dates in, one Term out.

A term knows no `now`: the same facts give the same term, and time only decides which side of
its end we are on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from unkey_sync.desired.reading import LAST_INSTANT, read_instant, read_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.model import Fact
    from unkey_sync.policy import Lifecycle

Lapse = Literal["suspend", "default_plan"]


@dataclass(frozen=True, slots=True)
class Term:
    """A subscription counts before `until` (None: without end, 0: never), then `then` holds by `rule`."""

    until: int | None
    then: Lapse
    rule: str

    def is_live(self, now: int) -> bool:
        return self.until is None or now < self.until


def compute_term(fact: Fact, lifecycle: Lifecycle) -> Term:
    """The term of a subscription. Unknown statuses never count."""
    if fact.deleted:
        return _over(lifecycle)
    status = read_text(fact.body, "status") or ""
    return _BY_STATUS.get(status, _never)(fact, lifecycle)


def _active(fact: Fact, lifecycle: Lifecycle) -> Term:
    return _sooner(_until_canceled(fact, lifecycle), _until_paused(fact, lifecycle))


def _until_paused(fact: Fact, lifecycle: Lifecycle) -> Term:
    """A pause that is scheduled begins by itself, whether its own event comes or not."""
    if lifecycle.paused == "keep":
        return Term(None, "default_plan", "lifecycle.paused")
    return Term(read_instant(fact.body, "pause_at"), lifecycle.paused, "lifecycle.paused")


def _until_canceled(fact: Fact, lifecycle: Lifecycle) -> Term:
    ends = [read_instant(fact.body, "cancel_at")]
    if fact.body.get("cancel_at_period_end") is True:
        ends.append(read_instant(fact.body, "period_end"))
    until = min((end for end in ends if end is not None), default=None)
    return Term(until, lifecycle.canceled.then, "lifecycle.canceled")


def _trialing(fact: Fact, lifecycle: Lifecycle) -> Term:
    trial_end = read_instant(fact.body, "trial_end")
    until = None if trial_end is None else _plus(trial_end, lifecycle.trialing.grace)
    return _sooner(Term(until, lifecycle.trialing.then, "lifecycle.trialing"), _active(fact, lifecycle))


def _past_due(fact: Fact, lifecycle: Lifecycle) -> Term:
    since = fact.version if fact.past_due_since is None else fact.past_due_since
    until = _plus(max(since, 0), lifecycle.past_due.grace)
    return _sooner(Term(until, lifecycle.past_due.then, "lifecycle.past_due"), _active(fact, lifecycle))


def _canceled(fact: Fact, lifecycle: Lifecycle) -> Term:
    paid = read_instant(fact.body, "period_end") if lifecycle.canceled.access == "until_period_end" else None
    return Term(paid or 0, lifecycle.canceled.then, "lifecycle.canceled")


def _paused(fact: Fact, lifecycle: Lifecycle) -> Term:
    if lifecycle.paused == "keep":
        return _active(fact, lifecycle)
    return Term(0, lifecycle.paused, "lifecycle.paused")


def _ended(_: Fact, lifecycle: Lifecycle) -> Term:
    return _over(lifecycle)


def _never(_: Fact, __: Lifecycle) -> Term:
    return Term(0, "default_plan", "builtin.never_paid")


_BY_STATUS: dict[str, Callable[[Fact, Lifecycle], Term]] = {
    "trialing": _trialing,
    "active": _active,
    "past_due": _past_due,
    "canceled": _canceled,
    "paused": _paused,
    "ended": _ended,
    "incomplete": _never,
}


def _over(lifecycle: Lifecycle) -> Term:
    return Term(0, lifecycle.canceled.then, "lifecycle.canceled")


def _sooner(first: Term, second: Term) -> Term:
    return min(first, second, key=lambda term: LAST_INSTANT + 1 if term.until is None else term.until)


def _plus(instant: int, duration: int) -> int:
    return min(instant + duration, LAST_INSTANT)
