"""Growth: accepting and applying beside 10,000 and beside 1,000,000 known subjects. Only with --long.

Everything runs in this process (no HTTP, an Unkey that answers at once), so that the ledger is what is measured.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from unkey_sync.clock import SystemClock

from tests.bench import site
from tests.bench.figures import Figure, Target
from tests.bench.reconciling import Counting

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = (10_000, 1_000_000)
COUNT = 6_000
_REGISTER = (
    '{"b":{},"x":false,"t":false,"bv":1,"r":1,"c":0,"d":"0","et":"user.created","ei":"evt_1","v":1,'
    '"s":[["0","0"]],"sv":-1,"ss":[],"g":-1,"p":[]}'
)
_FILL = (
    "INSERT INTO subjects (subject, generation, done_generation, priority, fence, attempts, unclean, inputs) "
    "SELECT 'old_' || n, 1, 1, 1, 1, 0, 0, md5(n::text) FROM generate_series(1, {size}) n",
    "INSERT INTO identities (subject, external_id, identity_id, removed, observed) "
    "SELECT 'old_' || n, 'old_' || n, 'id_' || n, false, '{{}}' FROM generate_series(1, {size}) n",
    "INSERT INTO facts (source, entity_kind, entity_id, subject, rev, doubt, register) "
    "SELECT 'clerk', 'user', 'old_' || n, 'old_' || n, 1, false, '{register}' FROM generate_series(1, {size}) n",
    "INSERT INTO events (id, source, delivery_id, entity_kind, entity_id, account, type, op, version, occurred_at, "
    "received_at, state, subject) SELECT 'evt_' || n, 'clerk', 'msg_' || n, 'user', 'old_' || n, '', 'user.created', "
    "'upsert', 1, 1, 1, 'applied', 'old_' || n FROM generate_series(1, {size}) n",
    "VACUUM ANALYZE",
)


def measure() -> Iterator[Figure]:
    small, large = (_speeds(size) for size in SIZES)
    for what, few, many in zip(("accepted", "applied"), small, large, strict=True):
        yield Figure(
            what=f"{what} beside {SIZES[1]:,} subjects",
            value=many,
            unit="/s",
            bare=few,
            beside=f"{SIZES[0]:,} subjects",
            target=Target(least=0.9, ratio=True),
        )


def _speeds(size: int) -> tuple[float, float]:
    """Events accepted and applied per second."""
    clock = SystemClock()
    with site.postgresql() as database, site.folder() as state:
        site.execute(database, *(one.format(size=size, register=_REGISTER) for one in _FILL))
        runtime = site.Site(database=database, state=state).runtime(Counting())
        site.accept_users(runtime, 500, "warm")
        started = clock.monotonic()
        site.accept_users(runtime, COUNT, "new")
        accepted = clock.monotonic()
        drain = runtime.drain()
        drain.run(threading.Event())
        applied = clock.monotonic()
        drain.close()
        runtime.close()
    return COUNT / (accepted - started), COUNT / (applied - accepted)
