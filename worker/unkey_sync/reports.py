"""What people ask about the service, as JSON-ready values: status, subjects, why. Reads only."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync.clock import DAY, SECOND
from unkey_sync.engine.work import load_work
from unkey_sync.handover.listing import key_state
from unkey_sync.ledger.codec import dump_ratelimits
from unkey_sync.ledger.subject_rows import SWEEP, Claim
from unkey_sync.silence import ARRIVALS, compute_silence
from unkey_sync.watch.state import load_state

if TYPE_CHECKING:
    from unkey_sync.engine.work import Work
    from unkey_sync.ledger.store import Ledger, Tx
    from unkey_sync.model import Desired, Observed
    from unkey_sync.silence import Silence
    from unkey_sync.wiring import Runtime

BREACHES_SHOWN = 10
_EDIT = ("target", "field", "expected", "found", "at")
EVENT_STATES = ("pending", "waiting", "applied", "ignored", "parked", "discarded")


def status(runtime: Runtime) -> dict[str, Any]:
    """Counts, the age of the oldest open work, broken promises, Unkey's circuit, and each source."""
    now = runtime.clock.now()
    with runtime.ledger.transaction() as tx:
        oldest = tx.reports.oldest_open_received()
        return {
            "events": {**dict.fromkeys(EVENT_STATES, 0), **tx.reports.events_by_state()},
            "subjects": {**tx.reports.subject_counts(now), "staged": 0},
            "parked": tx.reports.parked_by_code(),
            "keys": {**tx.reports.keys_in_slots(), "handovers_waiting": tx.reports.handovers_waiting()},
            "oldest_due_seconds": max(0.0, (now - oldest) / SECOND) if oldest is not None else 0.0,
            "doubts": tx.reports.doubts(),
            "edits_last_day": tx.reports.edits_since(now - DAY),
            "breaches": breaches(tx, runtime),
            "unkey": {"circuit": _circuit(runtime)},
            "sources": _sources(tx, runtime, now),
            "feeds": [asdict(row) for row in tx.feeds.all()],
        }


def breaches(tx: Tx, runtime: Runtime) -> dict[str, Any]:
    """Enabled keys that nobody may use, for longer than work under way explains; and when that was looked at."""
    now = runtime.clock.now()
    noted_until = now - int(runtime.settings.timings.in_flight_s * SECOND)
    counts = tx.breaches.counts(noted_until)
    looked_at = load_state(tx).looked_at
    return {
        "total": sum(counts.values()),
        "by_cause": counts,
        "looked_seconds": (now - looked_at) / SECOND if looked_at is not None else None,
        "keys": tx.breaches.page(noted_until, BREACHES_SHOWN),
    }


def gauges(runtime: Runtime) -> dict[str, dict[str, float]]:
    """The ledger's gauges for /metrics, by the names of telemetry.ledger_gauges."""
    now = runtime.clock.now()
    with runtime.ledger.transaction() as tx:
        oldest = tx.reports.oldest_open_received()
        open_events = tx.reports.open_by_state()
        parked = {**tx.reports.parked_by_code(), "event": tx.reports.parked_alone()}
        feeds = tx.feeds.all()
        found = breaches(tx, runtime)
        looked = load_state(tx)
    return {
        "last_look_timestamp_seconds": {
            name: at / SECOND
            for name, at in (("ledger", looked.looked_at), ("unkey", looked.asked_at))
            if at is not None
        },
        "breaches": found["by_cause"],
        "backlog_events": dict(open_events),
        "backlog_oldest_seconds": {"pending": (now - oldest) / SECOND if oldest is not None else 0.0},
        "parked_events": parked,
        "backfill_progress_ratio": {row.source: row.done / row.total for row in feeds if row.total},
    }


def _circuit(runtime: Runtime) -> str:
    return str(runtime.gate.state().circuit)


def _sources(tx: Tx, runtime: Runtime, now: int) -> dict[str, Any]:
    received = tx.reports.last_received_by_source()
    return {
        name: {
            "kind": source.kind,
            "receives": source.can_receive,
            "api": source.api_key is not None,
            "last_event_seconds": (now - received[name]) / SECOND if name in received else None,
            "silence": _silence(silence_of(tx, name, now)),
        }
        for name, source in sorted(runtime.settings.sources.items())
    }


def silence_of(tx: Tx, source: str, now: int) -> Silence | None:
    """Whether a source's senders have gone quiet; what we read from it ourselves does not count."""
    return compute_silence(tx.reports.recent_arrivals(source, ARRIVALS), now)


def _silence(silence: Silence | None) -> dict[str, float] | None:
    if silence is None:
        return None
    return {"seconds": silence.lasts / SECOND, "usual_seconds": silence.usual / SECOND}


def is_drained(ledger: Ledger, now: int) -> bool:
    """True when nothing is pending, due now, or leased."""
    with ledger.transaction() as tx:
        return tx.reports.open_work(now) == (0, 0, 0)


def subject_list(ledger: Ledger, *, parked: bool | None, limit: int) -> list[dict[str, Any]]:
    with ledger.transaction() as tx:
        rows = tx.reports.subjects_page(parked=parked, limit=limit)
    return [_summary(row) for row in rows]


def _summary(row: dict[str, Any]) -> dict[str, Any]:
    desired = orjson.loads(row["desired"]) if row["desired"] else {}
    return {
        "subject": row["subject"],
        "external_id": row["external_id"] or desired.get("external_id"),
        "kind": desired.get("kind"),
        "access": desired.get("access"),
        "plan": desired.get("plan"),
        "identity_id": row["identity_id"],
        "removed": bool(row["removed"]),
        "next_due_at": row["due_at"],
        "parked": _parked(row),
    }


def _parked(row: dict[str, Any]) -> dict[str, str] | None:
    if row["parked_code"] is None:
        return None
    return {"code": row["parked_code"], "reason": row["parked_reason"]}


def find_work(tx: Tx, name: str) -> Work | None:
    """What is known of a subject by its own, external or identity id; claims nothing."""
    subject = tx.reports.subject_named(name)
    if subject is None:
        return None
    row = tx.subjects.get(subject)
    assert row is not None  # noqa: S101  -- subject_named found it in the same transaction
    claim = Claim(
        subject=subject,
        fence=row["fence"],
        generation=row["generation"],
        attempts=row["attempts"],
        priority=SWEEP,
        uncertain=row["unclean"] > 0,
        inputs=row["inputs"],
        changes_at=row["changes_at"],
    )
    return load_work(tx, [claim], deadline=0.0)[0]


def subject_view(runtime: Runtime, name: str) -> dict[str, Any] | None:
    """Everything about one subject; None when there is no such subject."""
    with runtime.ledger.transaction() as tx:
        work = find_work(tx, name)
        if work is None:
            return None
        row = tx.subjects.get(work.subject) or {}
        operations = tx.identities.operations_of(work.subject)
        edits = tx.identities.edits_of(work.subject)
        events = tx.events.of_subject(work.subject)
    desired = runtime.planner.desired(work.state())
    observed = work.identity.observed if work.identity else None
    return {
        "subject": work.subject,
        "external_id": desired.external_id,
        "identity_id": observed.identity_id if observed else None,
        "desired": desired_view(desired),
        "observed": observed_view(observed) if observed else None,
        "keys": _keys(observed, runtime.clock.now()),
        "facts": [_fact(fact) for fact in work.state().facts],
        "operations": [_operation(one) for one in operations],
        "edits": [{name: one[name] for name in _EDIT} for one in edits],
        "events": events,
        "next_due_at": row["due_at"],
        "attempts": row["attempts"],
        "parked": _parked(row),
    }


def desired_view(desired: Desired) -> dict[str, Any]:
    return {
        "access": desired.access.value,
        "kind": desired.kind.value,
        "plan": desired.plan,
        "seats": desired.seats,
        "top_ups": [asdict(one) for one in desired.top_ups],
        "meta": desired.meta,
        "ratelimits": dump_ratelimits(desired.ratelimits),
        "changes_at": desired.changes_at,
        "problems": [problem.text for problem in desired.problems],
        "reasons": [asdict(reason) for reason in desired.reasons],
    }


def observed_view(observed: Observed) -> dict[str, Any]:
    return {
        "meta": observed.meta,
        "ratelimits": dump_ratelimits(observed.ratelimits),
        "removed": observed.removed,
        "keys_listed_at": observed.keys_listed_at,
        "looked_at": observed.looked_at or None,
    }


def _keys(observed: Observed | None, now: int) -> list[dict[str, Any]]:
    keys = observed.keys if observed and observed.keys else ()
    return [
        {
            "slot": key.slot.name if key.slot else None,
            "member": key.slot.member or None if key.slot else None,
            "key_id": key.key_id,
            "generation": key.generation if key.slot else None,
            "state": key_state(key, now),
            "disabled_by_us": key.disabled_by_us,
            "roles": sorted(key.roles),
            "prepaid": key.prepaid,
            "expires_at": key.expires_at,
        }
        for key in keys
    ]


def _fact(fact: Any) -> dict[str, Any]:
    return {
        "source": fact.source,
        "kind": fact.entity.kind.value,
        "id": fact.entity.id,
        "version": fact.version,
        "deleted": fact.deleted,
        "body": fact.body,
        "event_type": fact.event_type,
        "event_id": fact.event_id,
        "past_due_since": fact.past_due_since,
    }


def _operation(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("id", "target", "why", "outcome", "request_id", "at")},
        "operation": row["call"],
        "before": orjson.loads(row["before"]),
        "after": orjson.loads(row["after"]),
    }
