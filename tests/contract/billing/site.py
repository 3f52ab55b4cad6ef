"""One billing source from signed bytes to what Unkey holds: its connector, the inbox, the engine, the sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa
from unkey_sync.configfile import parse_document
from unkey_sync.engine.doubts import SourceAccess
from unkey_sync.intake import Intake, kept
from unkey_sync.ledger.tables import events
from unkey_sync.policy import read_policy
from unkey_sync_connectors import registry
from unkey_sync_connectors.base import Delivery, SourceConfig

from tests.house import House

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.ledger.store import Ledger

FREE, PRO, MAX = 100, 1_000, 5_000
POLICY = """
[subjects]
owner = "organization"
link = ["metadata.org_id", "external_ref"]

[[plans]]
name = "free"
default = true
identity.ratelimits = [{{ name = "requests", limit = 100, duration = "1m" }}]

[[plans]]
name = "pro"
rank = 10
match = [{{ source = "{kind}", {pro} }}]
identity.ratelimits = [{{ name = "requests", limit = 1000, duration = "1m" }}]

[[plans]]
name = "max"
rank = 20
match = [{{ source = "{kind}", {max} }}]
identity.ratelimits = [{{ name = "requests", limit = 5000, duration = "1m" }}]
"""
SECRETS = {
    "stripe": "whsec_stripe_unit",
    "polar": "whsec_polarUnitTestSecret01",
    "paddle": "pdl_ntfset_unit",
    "lago": "lago_unit",
}


@dataclass
class Site:
    """`pro`, `max`: what a purchase of these plans shows. `api`: the source's, where it can be asked."""

    ledger: Ledger
    kind: str
    subject: str
    pro: str
    max: str = 'lookup_key = "nobody has this"'
    api: Any = None
    house: House = field(init=False)

    def __post_init__(self) -> None:
        keys = frozenset({"org_id"})
        self.connector = registry.create(
            SourceConfig(name=self.kind, kind=self.kind, secrets=(SECRETS[self.kind],), metadata_keys=keys)
        )
        text = POLICY.format(kind=self.kind, pro=self.pro, max=self.max)
        sources = {self.kind: SourceAccess(self.connector, self.api)} if self.api else {}
        policy = read_policy(parse_document(text.encode(), "test.toml"))
        self.house = House(self.ledger, policy, sources=sources, auth_sources=frozenset())

    def deliver(self, payload: Mapping[str, Any], **headers: str) -> None:
        """One webhook, signed, proven, read and stored as the receiver does it; then all work is done."""
        body, now = orjson.dumps(payload), self.house.clock.now()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        # Only what the signature does not cover may be named by a test.
        delivery = Delivery(body, {**self.connector.sign(body, now), **named})
        self.connector.verify(delivery, now)
        found = tuple(self.connector.parse(delivery))
        self.house.inbox.accept([Intake(self.kind, found, kept(self.connector, delivery))])
        self.house.settle()

    def limit(self) -> int | None:
        """What Unkey lets the subject do in a minute; None: it does not know it."""
        identity = self.house.identity(self.subject)
        limits = identity.get("ratelimits", []) if identity else []
        return int(limits[0]["limit"]) if limits else None

    def states(self) -> list[str]:
        """Of every stored event."""
        with self.ledger.engine.connect() as connection:
            return sorted(connection.scalars(sa.select(events.c.state)))

    @property
    def mutations(self) -> int:
        return len(self.house.transport.mutations)
