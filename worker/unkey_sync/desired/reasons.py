"""Why each field of a Desired is as it is: the rule, and the event that made it apply."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from unkey_sync.model import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.desired.holding import Holding
    from unkey_sync.desired.presence import Presence
    from unkey_sync.desired.purchases import Purchase
    from unkey_sync.model import Desired, Fact, RateLimit

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def explain(desired: Desired, presence: Presence, holding: Holding | None) -> Desired:
    """The same Desired with a reason for each field. `holding` is None for a subject that is not there."""
    granted = _granted(desired, holding) if holding else _withheld(desired, presence)
    return replace(desired, reasons=(*_standing(desired, presence, holding), *granted))


def _standing(desired: Desired, presence: Presence, holding: Holding | None) -> Iterator[Reason]:
    yield Reason("external_id", desired.external_id, "builtin.external_id")
    yield _because("kind", desired.kind, presence.rule, presence.fact)
    if holding and holding.lapsed:
        yield _because("access", desired.access, holding.lapsed.term.rule, holding.lapsed.fact)
    else:
        yield _because("access", desired.access, presence.rule, presence.fact)


def _granted(desired: Desired, holding: Holding) -> Iterator[Reason]:
    fact = holding.purchase.fact if holding.purchase else None
    paid_seats = fact if _counts_seats(holding) else None
    yield _because("plan", desired.plan or "none", holding.rule, fact)
    yield _because("ratelimits", _render_limits(desired.ratelimits), holding.rule, fact)
    yield _because("meta", ", ".join(sorted(desired.meta)), holding.rule, fact)
    yield _because("seats", str(desired.seats), "builtin.seats", paid_seats)
    yield _because("keys", _render_keys(desired), holding.rule, fact)
    yield Reason("top_ups", _render_top_ups(desired), "top_ups" if desired.top_ups else "builtin.none")
    yield Reason("others", _render_others(desired), "key_roles.scope")
    yield _ending(desired, holding.ending)


def _ending(desired: Desired, ending: Purchase | None) -> Reason:
    if ending is None:
        return Reason("changes_at", "never", "builtin.stays")
    return _because("changes_at", _render_instant(desired.changes_at), ending.term.rule, ending.fact)


def _withheld(desired: Desired, presence: Presence) -> Iterator[Reason]:
    values = {
        "plan": "none",
        "ratelimits": "none",
        "meta": "none",
        "seats": str(desired.seats),
        "keys": "none enabled",
        "top_ups": "none",
        "others": "none enabled",
    }
    for field, value in values.items():
        yield _because(field, value, presence.rule, presence.fact)
    yield _because("changes_at", _render_instant(desired.changes_at), presence.rule, presence.fact)


def _render_keys(desired: Desired) -> str:
    names = [
        f"{key.slot.name}:{key.slot.member}" if key.slot.member else key.slot.name for key in desired.keys
    ]
    return ", ".join(names) or "none"


def _render_top_ups(desired: Desired) -> str:
    credits = sum(one.credits for one in desired.top_ups if not one.refunded)
    return f"{credits} credits in {len(desired.top_ups)} purchases" if desired.top_ups else "none"


def _render_others(desired: Desired) -> str:
    if desired.others is None:
        return "left alone"
    return ", ".join(sorted(desired.others.wanted)) or "no managed role"


def _counts_seats(holding: Holding) -> bool:
    bought = holding.purchase.bought if holding.purchase else None
    return bool(bought and bought.quantity)


def _because(field: str, value: str, rule: str, fact: Fact | None) -> Reason:
    if fact is None:
        return Reason(field, str(value), rule)
    return Reason(field, str(value), rule, fact.event_type, fact.event_id, fact.source)


def _render_limits(limits: tuple[RateLimit, ...]) -> str:
    return ", ".join(f"{limit.name}={limit.limit}/{limit.duration}ms" for limit in limits) or "none"


def _render_instant(instant: int | None) -> str:
    return "never" if instant is None else (_EPOCH + timedelta(microseconds=instant)).isoformat()
