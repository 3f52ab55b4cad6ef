"""A receiver with two SCIM tenants, asked over ASGI in this thread; its ledger runs on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unkey_sync.batch import Ownership
from unkey_sync.clock import FakeClock
from unkey_sync.inbox import Inbox
from unkey_sync.ledger.store import Ledger
from unkey_sync.scim.desk import Desk

from tests.contract.scim.idp import IdentityProvider
from tests.contract.scim.victim import BOTH, SEALER, desk_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def desk(ledger: Ledger, clock: FakeClock) -> Desk:
    return Desk(ledger, Inbox(ledger, SEALER, clock, Ownership(BOTH, ())), SEALER, clock)


@pytest.fixture
def idp(desk: Desk, ledger: Ledger) -> IdentityProvider:
    """The identity provider of the tenant `okta`."""
    return IdentityProvider(desk, ledger, "okta")


@pytest.fixture
def other(desk: Desk, ledger: Ledger) -> IdentityProvider:
    """The identity provider of the tenant `entra`."""
    return IdentityProvider(desk, ledger, "entra")


@pytest.fixture
def reopen() -> Iterator[Callable[[str], IdentityProvider]]:
    """The identity provider `okta` of a ledger that is already there."""
    opened: list[Ledger] = []

    def on(url: str) -> IdentityProvider:
        opened.append(Ledger(url))
        return IdentityProvider(desk_on(opened[-1]), opened[-1], "okta")

    yield on
    for ledger in opened:
        ledger.close()
