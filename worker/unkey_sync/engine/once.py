"""One subject now: the same code path as events, without waiting for a worker."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync.clock import SECOND
from unkey_sync.engine.work import load_work
from unkey_sync.errors import Retry

if TYPE_CHECKING:
    from unkey_sync.engine.work import Result
    from unkey_sync.wiring import Runtime


def sync_now(runtime: Runtime, subject: str) -> Result:
    """Claim, take the turn, record; what Unkey holds is read afresh. Raises Retry when a worker holds the subject."""
    config = runtime.drain_config
    now = runtime.clock.now()
    deadline = runtime.clock.monotonic() + config.lease_s - config.margin_s
    with runtime.ledger.transaction() as tx:
        lease_until = now + int(config.lease_s * SECOND)
        claim = tx.subjects.claim_one(subject, config.owner, now, lease_until)
    if claim is None:
        raise Retry("a worker holds this subject just now; try again in a moment")
    with runtime.ledger.transaction() as tx:
        work = load_work(tx, [replace(claim, look=True)], deadline)[0]
    result = runtime.performer.run(work)
    runtime.committer.commit([result])
    return result
