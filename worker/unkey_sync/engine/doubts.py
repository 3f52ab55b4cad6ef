"""Settle doubts: when order cannot be known from what was said, the object is read from its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Unusable

from unkey_sync import facts
from unkey_sync.engine.work import Settled
from unkey_sync.errors import Park
from unkey_sync.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync_connectors.base import Api, Connector

    from unkey_sync.engine.session import Session
    from unkey_sync.engine.work import Work
    from unkey_sync.ledger.fact_rows import FactRow


@dataclass(frozen=True, slots=True)
class SourceAccess:
    """A source whose API can be asked."""

    connector: Connector
    api: Api


class Doubts:
    """Knows which sources can be asked, and asks them."""

    def __init__(self, sources: Mapping[str, SourceAccess]) -> None:
        self._sources = sources

    def any_in(self, work: Work) -> bool:
        """True when a fact is in doubt and its source can be asked."""
        return any(row.register.doubt and row.source in self._sources for row in work.facts)

    def unanswerable(self, work: Work) -> dict[str, str]:
        """Event id -> reason, for what only says "fetch me" while the source's API is not configured."""
        return {
            row.register.event_id: f"only a signal: give {row.source} an API key, then replay"
            for row in work.facts
            if row.register.doubt and row.register.body_version < 0 and row.source not in self._sources
        }

    def settle(self, session: Session) -> None:
        """Read every doubtful object. Raises what the source's API raises (Retry, RetryAt)."""
        for row in session.work.facts:
            if row.register.doubt and row.source in self._sources:
                self._read(session, row)

    def _read(self, session: Session, row: FactRow) -> None:
        access = self._sources[row.source]
        try:
            fetched = access.connector.fetch(access.api, row.entity, row.owner)
        except Unusable as unusable:
            raise Park(f"{row.source} API: {unusable.reason}") from unusable
        event_id = new_id("fet", session.clock.now())
        register = facts.settle(row.register, fetched, event_id)
        session.settle(row, Settled(event_id, fetched, row.register), register)
