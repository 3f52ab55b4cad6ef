"""Statements about feeds (backfill and catch-up checkpoints) and single settings of the ledger."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from unkey_sync.ledger import dialect
from unkey_sync.ledger.tables import feeds, settings

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """Progress of one listing or feed. `state` is running or complete; `since` in microseconds, source's clock."""

    source: str
    feed: str
    state: str
    checkpoint: str | None
    since: int
    done: int
    total: int | None
    started_at: int
    finished_at: int | None = None


class FeedRows:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, source: str, feed: str) -> FeedRow | None:
        query = sa.select(feeds).where(feeds.c.source == source, feeds.c.feed == feed)
        row = self._connection.execute(query).mappings().first()
        return FeedRow(**row) if row else None

    def all(self) -> Sequence[FeedRow]:
        query = sa.select(feeds).order_by(feeds.c.source, feeds.c.feed)
        return [FeedRow(**row) for row in self._connection.execute(query).mappings()]

    def save(self, row: FeedRow) -> None:
        query = dialect.insert(self._connection, feeds)
        names = [column.name for column in feeds.c if column.name not in ("source", "feed")]
        self._connection.execute(
            query.on_conflict_do_update(
                index_elements=["source", "feed"], set_={name: query.excluded[name] for name in names}
            ),
            [asdict(row)],
        )

    def setting(self, name: str) -> str | None:
        return self._connection.scalar(sa.select(settings.c.value).where(settings.c.name == name))

    def swap_setting(self, name: str, before: str | None, after: str) -> bool:
        """Compare and set: False when it is no longer what `before` says (None: not there)."""
        if before is None:
            query = dialect.insert(self._connection, settings).values(name=name, value=after)
            made = self._connection.execute(query.on_conflict_do_nothing().returning(settings.c.name))
            return made.first() is not None
        same = sa.and_(settings.c.name == name, settings.c.value == before)
        return bool(self._connection.execute(sa.update(settings).where(same).values(value=after)).rowcount)

    def set_setting(self, name: str, value: str) -> None:
        query = dialect.insert(self._connection, settings)
        self._connection.execute(
            query.on_conflict_do_update(index_elements=["name"], set_={"value": query.excluded.value}),
            [{"name": name, "value": value}],
        )
