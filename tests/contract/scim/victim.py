"""A desk on a ledger that is already there, for a process that is going to be killed and for the one after it."""

from __future__ import annotations

from unkey_sync.batch import Ownership
from unkey_sync.clock import FakeClock
from unkey_sync.inbox import Inbox
from unkey_sync.ledger.store import Ledger
from unkey_sync.scim.desk import Desk
from unkey_sync.seal import Sealer
from unkey_sync_connectors.event import Kind

from tests.contract.scim.idp import IdentityProvider

BOTH = frozenset({Kind.USER, Kind.ORGANIZATION})
SEALER = Sealer([b"k" * 32])


def desk_on(ledger: Ledger, sealer: Sealer = SEALER) -> Desk:
    clock = FakeClock()
    return Desk(ledger, Inbox(ledger, sealer, clock, Ownership(BOTH, ())), sealer, clock)


def provider(url: str) -> tuple[IdentityProvider, Inbox]:
    ledger = Ledger(url)
    desk = desk_on(ledger)
    return IdentityProvider(desk, ledger, "okta"), desk._inbox
