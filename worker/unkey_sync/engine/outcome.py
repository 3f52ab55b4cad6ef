"""What becomes of a subject after its turn: the one place where results and errors turn into rows. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from unkey_sync.clock import SECOND
from unkey_sync.errors import LostLease, Park, Retry, RetryAt, Stop, SyncError
from unkey_sync.ledger.codec import dump_desired
from unkey_sync.ledger.event_rows import APPLIED, PARKED
from unkey_sync.ledger.subject_rows import NOW, Release

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.engine.work import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long failures are borne: backoff from `base_s`, doubled up to `cap_s`; parked after `attempts`."""

    base_s: float = 1.0
    cap_s: float = 300.0
    attempts: int = 20
    stop_s: float = 10.0
    jitter: Callable[[], float] = random.random
    """Yields numbers in [0, 1)."""

    def backoff_s(self, attempts: int, jitter: float) -> float:
        """Seconds before attempt number `attempts` + 1. `jitter` in [0, 1)."""
        full = min(self.cap_s, self.base_s * 2.0 ** min(attempts, 30))
        return full * (0.5 + jitter / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The rows to write: the subject's release, and the events that are finished (id -> state, reason)."""

    release: Release | None
    events: tuple[tuple[str, str, str | None], ...] = ()


class _Aim(TypedDict):
    desired: str | None
    access: str | None


def judge(result: Result, patience: Patience, now: int, jitter: float) -> Verdict:
    """Turn a result into rows. A lost lease writes nothing."""
    if result.error is None:
        return _judge_success(result)
    if isinstance(result.error, LostLease):
        return _judge_late(result)
    return _judge_error(result, result.error, patience, (now, jitter))


def _judge_success(result: Result) -> Verdict:
    desired = result.desired
    moments = (result.look_again_at, desired.changes_at if desired else result.work.claim.changes_at)
    release = Release(
        subject=result.work.subject,
        fence=result.work.claim.fence,
        generation=result.work.claim.generation,
        due_at=min((moment for moment in moments if moment is not None), default=None),
        changes_at=moments[1],
        inputs=result.inputs if result.look_again_at is None else None,
        done=result.finished,
        **_aim(result),
    )
    if not result.finished:
        return Verdict(release=release)
    problems = result.problems or {}
    events = tuple(
        (event_id, PARKED if event_id in problems else APPLIED, problems.get(event_id))
        for event_id in result.work.event_ids
    )
    return Verdict(release=release, events=events)


def _aim(result: Result) -> _Aim:
    """What was aimed for is known even where it was not reached: a removal that fails is one all the same."""
    desired = result.desired
    if desired is None:
        return {"desired": None, "access": None}
    return {"desired": dump_desired(desired), "access": desired.access.value}


def _judge_late(result: Result) -> Verdict:
    """Time ran out. What was not begun is handed back at once; what was begun is left to the next holder."""
    if result.operations or result.uncertain:
        return Verdict(release=None)
    claim = result.work.claim
    release = Release(
        subject=claim.subject,
        fence=claim.fence,
        generation=claim.generation,
        due_at=NOW,
        attempts=claim.attempts,
        changes_at=claim.changes_at,
        done=False,
        uncertain=claim.uncertain,
        look=claim.look,
    )
    return Verdict(release=release)


def _judge_error(result: Result, error: SyncError, patience: Patience, moment: tuple[int, float]) -> Verdict:
    now, jitter = moment
    claim = result.work.claim
    attempts = claim.attempts
    if isinstance(error, RetryAt):
        wait_s = error.after_s
    elif isinstance(error, Stop):
        wait_s = patience.stop_s
    elif isinstance(error, Retry) and attempts + 1 < patience.attempts:
        wait_s = patience.backoff_s(attempts, jitter)
        attempts += 1
    else:
        return _park(result, error)
    release = Release(
        subject=claim.subject,
        fence=claim.fence,
        generation=claim.generation,
        due_at=now + int(wait_s * SECOND),
        attempts=attempts,
        changes_at=claim.changes_at,
        done=False,
        uncertain=result.uncertain or claim.uncertain,
        **_aim(result),
        look=claim.look,
    )
    return Verdict(release=release)


def _park(result: Result, error: SyncError) -> Verdict:
    claim = result.work.claim
    reason = f"{error.operation}: {error}" if error.operation else str(error)
    code = error.code if isinstance(error, Park) else f"gave_up_{error.code}"
    release = Release(
        subject=claim.subject,
        fence=claim.fence,
        generation=claim.generation,
        due_at=None,
        parked_code=code,
        parked_reason=reason,
        changes_at=claim.changes_at,
        done=False,
        uncertain=result.uncertain or claim.uncertain,
        **_aim(result),
    )
    return Verdict(release=release, events=tuple((one, PARKED, reason) for one in result.work.event_ids))
