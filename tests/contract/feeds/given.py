"""A feeder over a fake source: its ledger, its clock, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from unkey_sync.batch import Ownership
from unkey_sync.clock import FakeClock
from unkey_sync.engine.doubts import SourceAccess
from unkey_sync.engine.work import Settled
from unkey_sync.feeder import Feeder
from unkey_sync.ids import new_id
from unkey_sync.inbox import Inbox
from unkey_sync.ledger.tables import events, facts, subjects
from unkey_sync.seal import Sealer
from unkey_sync.sourceapi import ApiAccess, HttpSourceApi
from unkey_sync_connectors import registry
from unkey_sync_connectors.base import SourceConfig
from unkey_sync_connectors.event import Kind

from tests.contract.feeds.worlds import BEGAN_S, ClerkWorld, StripeWorld
from tests.contract.feeds.worlds_auth import KeycloakWorld, OktaWorld, SupabaseWorld, WorkosWorld
from tests.contract.feeds.worlds_auth0 import Auth0World
from tests.contract.feeds.worlds_billing import BILLING_WORLDS

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from unkey_sync.clock import Clock
    from unkey_sync.feeder import Progress
    from unkey_sync.ledger.fact_rows import FactRow
    from unkey_sync.ledger.store import Ledger

    from tests.contract.feeds.worlds import World

WORLDS: dict[str, Callable[[Clock, int], Any]] = {
    "clerk": ClerkWorld,
    "stripe": StripeWorld,
    "workos": WorkosWorld,
    "auth0": Auth0World,
    "supabase": SupabaseWorld,
    "okta": OktaWorld,
    "keycloak": KeycloakWorld,
    **BILLING_WORLDS,
}
UNPACED = 1e6


class Killed(BaseException):
    """The process ends here, whatever code is running."""


@dataclass
class Site:
    """One source, one ledger."""

    ledger: Ledger
    kind: str
    count: int
    clock: Clock = field(default_factory=lambda: FakeClock(BEGAN_S * 1_000_000))
    rings: int = 0

    def __post_init__(self) -> None:
        self.world: Any = WORLDS[self.kind](self.clock, self.count)
        ownership = Ownership(frozenset({Kind.USER, Kind.ORGANIZATION}), ("metadata.user_id",))
        self.inbox = Inbox(self.ledger, Sealer([b"k" * 32]), self.clock, ownership)
        self.access = access_to(self.kind, self.world, self.clock)

    def feeder(self, stop: threading.Event | None = None) -> Feeder:
        """A new process's."""
        return Feeder(self.ledger, self.inbox, self.clock, self._ring, stop)

    def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        with self.ledger.engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.select(table)).mappings()]

    def known(self, kind: Kind) -> set[str]:
        return {row["entity_id"] for row in self.rows(facts) if row["entity_kind"] == kind.value}

    def repeats(self) -> int:
        """Events of one entity beyond its first: nothing changes in these worlds unless a test says so."""
        seen = Counter((row["entity_kind"], row["entity_id"]) for row in self.rows(events))
        return sum(count - 1 for count in seen.values())

    def due(self) -> set[str]:
        return {row["subject"] for row in self.rows(subjects) if row["due_at"] is not None}

    def rest(self) -> None:
        """All work is done: doubts are settled, where the world shows single objects, and nobody is due."""
        for row in self._doubtful() if getattr(self.world, "shows_objects", False) else ():
            fetched = self.access.connector.fetch(self.access.api, row.entity, row.owner)
            settled = Settled(new_id("fet", self.clock.now()), fetched, row.register)
            with self.ledger.transaction() as tx:
                self.inbox.settle(tx, [settled])
        with self.ledger.engine.begin() as connection:
            connection.execute(sa.update(subjects).values(due_at=None))

    def _doubtful(self) -> list[FactRow]:
        with self.ledger.transaction() as tx:
            rows = tx.facts.of_source(self.kind, ("", ""), 10_000)
        return [row for row in rows if row.register.doubt]

    def _ring(self) -> None:
        self.rings += 1


def access_to(kind: str, world: World, clock: Clock) -> SourceAccess:
    """Through the real HTTP client, at the speed of the test."""
    account = getattr(world, "account", "")
    config = SourceConfig(name=kind, kind=kind, account=account, metadata_keys=frozenset({"user_id"}))
    connector = registry.create(config)
    assert connector.api is not None
    spec = replace(connector.api, rate_per_s=UNPACED)
    reached = ApiAccess(source=kind, spec=spec, key="sk", base_url="https://api.example.com")
    api = HttpSourceApi(reached, clock, lambda: 0.5, world)
    return SourceAccess(connector, api)


def end_of(run: Iterator[Progress]) -> Progress:
    last = None
    for progress in run:
        last = progress
    assert last is not None
    return last
