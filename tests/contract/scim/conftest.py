"""A receiver with two SCIM tenants, asked over ASGI in this thread; its ledger runs on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unkey_sync.batch import Ownership
from unkey_sync.clock import FakeClock
from unkey_sync.inbox import Inbox
from unkey_sync.scim.desk import Desk
from unkey_sync.seal import Sealer
from unkey_sync_connectors.event import Kind

from tests.contract.scim.idp import IdentityProvider

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

BOTH = frozenset({Kind.USER, Kind.ORGANIZATION})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def desk(ledger: Ledger, clock: FakeClock) -> Desk:
    sealer = Sealer([b"k" * 32])
    return Desk(ledger, Inbox(ledger, sealer, clock, Ownership(BOTH, ())), sealer, clock)


@pytest.fixture
def idp(desk: Desk, ledger: Ledger) -> IdentityProvider:
    """The identity provider of the tenant `okta`."""
    return IdentityProvider(desk, ledger, "okta")


@pytest.fixture
def other(desk: Desk, ledger: Ledger) -> IdentityProvider:
    """The identity provider of the tenant `entra`."""
    return IdentityProvider(desk, ledger, "entra")
