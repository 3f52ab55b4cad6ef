"""Lists that move while they are read: who is there from the first page to the last is always seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unkey_sync_connectors.event import Kind

from tests.contract.feeds.given import Killed, Site, end_of

if TYPE_CHECKING:
    import httpx
    from unkey_sync.ledger.store import Ledger

KINDS = ("workos", "auth0", "okta", "keycloak", "supabase")
COUNT = 450
FIRST, LAST = (
    [f"user_{number:07}" for number in range(120)],
    [f"user_{number:07}" for number in range(330, COUNT)],
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at_call", [2, 3, 4])
@pytest.mark.parametrize(
    "gone", [FIRST[3:4], FIRST[:2] + LAST[:2], FIRST, LAST], ids=["one", "four", "old", "new"]
)
def test_deletions_meanwhile_hide_nobody_else(
    ledger: Ledger, kind: str, at_call: int, gone: list[str]
) -> None:
    site = Site(ledger, kind, COUNT)

    def lose(call: int) -> httpx.Response | None:
        if call == at_call:
            for user_id in gone:
                site.world.remove(user_id, 0)
        return None

    site.world.before = lose
    last = end_of(site.feeder().backfill(kind, site.access))

    assert last.complete
    assert set(site.world.ids) <= site.known(Kind.USER)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at_call", [2, 3, 4])
def test_a_killed_listing_goes_on_without_gap_or_repeat(ledger: Ledger, kind: str, at_call: int) -> None:
    site = Site(ledger, kind, COUNT)

    def die(call: int) -> httpx.Response | None:
        if call == at_call:
            raise Killed
        return None

    site.world.before = die
    with pytest.raises(Killed):
        end_of(site.feeder().backfill(kind, site.access))
    site.world.before = lambda _: None
    last = end_of(site.feeder().backfill(kind, site.access))

    assert last.complete
    assert site.known(Kind.USER) == set(site.world.ids)
    assert site.repeats() == 0
