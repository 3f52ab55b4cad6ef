"""Stripe: customers, subscriptions, entitlements, and checkouts that tie a customer to our own id.

`bodies` reads Stripe's objects, `events` its webhooks (snapshot and thin), `fetching` and `listing` its API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from unkey_sync_connectors.base import ApiSpec
from unkey_sync_connectors.native import Native, Parts
from unkey_sync_connectors.signing import STRIPE, Verifier
from unkey_sync_connectors.stripe import events, fetching, listing
from unkey_sync_connectors.timestamps import DAY

if TYPE_CHECKING:
    from unkey_sync_connectors.base import SourceConfig
    from unkey_sync_connectors.signing import Proof


class Stripe(Native):
    kind = "stripe"
    auth = False
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="https://api.stripe.com", rate_per_s=20)
    feed_keeps: ClassVar[int | None] = 30 * DAY
    parts = Parts(events.read_delivery, fetching.fetch, listing.pages, listing.catch_up)

    def prove(self, config: SourceConfig) -> Proof:
        return Verifier(scheme=STRIPE, secrets=config.secrets, tolerance_s=config.tolerance_s)
