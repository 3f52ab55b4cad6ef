"""A batch costs one descent into an index per row, whatever the database believes about its tables.

Statistics are of a quiet moment: nothing open, nobody waiting. Then comes a backfill, or a worker was away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from unkey_sync.ledger.event_rows import APPLIED, PENDING, WAITING, EventRow
from unkey_sync.ledger.fact_rows import LinkRow

from tests.conftest import empty

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.ledger.store import Ledger, Tx

QUIET = 2_000
BACKLOG = 3_000
BATCH = 200


@pytest.fixture
def on_postgresql(_postgresql_ledger: Ledger) -> Ledger:
    empty(_postgresql_ledger)
    return _postgresql_ledger


def rows(count: int, state: str, name: str) -> list[EventRow]:
    return [
        EventRow(
            id=f"evt_{name}{number}",
            source="stripe",
            delivery_id=f"{name}{number}",
            entity_kind="subscription",
            entity_id=f"{name}{number}",
            account="",
            type="customer.subscription.created",
            op="upsert",
            version=1,
            occurred_at=1,
            received_at=1,
            state=state,
            subject=None if state == WAITING else f"{name}{number}",
            customer=f"{name}{number}",
        )
        for number in range(count)
    ]


def open_of(tx: Tx) -> object:
    return tx.events.open_of([f"b{number}" for number in range(BATCH)])


def attach(tx: Tx) -> None:
    tx.events.attach_waiting(
        [LinkRow(source="stripe", customer=f"b{number}", subject="user_1") for number in range(BATCH)]
    )


@pytest.mark.parametrize(("state", "work"), [(PENDING, open_of), (WAITING, attach)])
def test_a_batch_does_not_read_the_whole_backlog(
    on_postgresql: Ledger, state: str, work: Callable[[Tx], object]
) -> None:
    with on_postgresql.transaction() as tx:
        tx.events.insert_new(rows(QUIET, APPLIED, "q"))
    with on_postgresql.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE events"))
    with on_postgresql.transaction() as tx:
        tx.events.insert_new(rows(BACKLOG, state, "b"))

    read = entries_read(on_postgresql, work)

    assert BATCH <= read <= 4 * BATCH


def entries_read(ledger: Ledger, work: Callable[[Tx], object]) -> int:
    """Index entries of `events` that the work reads."""
    count = sa.text(
        "SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(indexrelid)), 0) FROM pg_index "
        "WHERE indrelid = 'events'::regclass"
    )
    found: list[int] = []

    def note(connection: Any) -> None:
        found.append(connection.scalar(count))

    moments = ("begin", "commit")
    for moment in moments:
        sa.event.listen(ledger.engine, moment, note)
    with ledger.transaction() as tx:
        work(tx)
    for moment in moments:
        sa.event.remove(ledger.engine, moment, note)
    return found[1] - found[0]
