"""The ledger: a database, and transactions on it. Every SQL statement of the product lives in this package.

A `Tx` groups the statements by what they are about; no connection leaves this package, and database errors leave
it as reactions (Retry, Park). Upserts run in key order, so that two transactions never wait for each other in a
circle.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync.ledger import dialect
from unkey_sync.ledger.breach_rows import BreachRows
from unkey_sync.ledger.event_rows import EventRows
from unkey_sync.ledger.fact_rows import FactRows
from unkey_sync.ledger.feed_rows import FeedRows
from unkey_sync.ledger.identity_rows import IdentityRows
from unkey_sync.ledger.key_rows import KeyRows
from unkey_sync.ledger.report_rows import ReportRows
from unkey_sync.ledger.scim_rows import ScimRows
from unkey_sync.ledger.subject_rows import SubjectRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction, by subject matter."""

    events: EventRows
    facts: FactRows
    subjects: SubjectRows
    identities: IdentityRows
    keys: KeyRows
    feeds: FeedRows
    reports: ReportRows
    scim: ScimRows
    breaches: BreachRows


class Ledger:
    """A database of ours. Connects on first use; safe to share between threads."""

    def __init__(self, url: str, *, pool_size: int = 4) -> None:
        self.engine = dialect.create_engine(url, pool_size=pool_size)

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """All of it or nothing. Raises Retry when the database is away, Park when a value cannot be stored."""
        with dialect.reactions(), self.engine.begin() as connection:
            yield _tx(connection)

    def close(self) -> None:
        self.engine.dispose()


def _tx(connection: sa.Connection) -> Tx:
    return Tx(
        events=EventRows(connection),
        facts=FactRows(connection),
        subjects=SubjectRows(connection),
        identities=IdentityRows(connection),
        keys=KeyRows(connection),
        feeds=FeedRows(connection),
        reports=ReportRows(connection),
        scim=ScimRows(connection),
        breaches=BreachRows(connection),
    )
