"""Clerk: users, organisations, memberships, and the plans of Clerk Billing.

`bodies` reads Clerk's objects, `events` its webhooks, `fetching`, `listing` and `walking` its Backend API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from unkey_sync_connectors.base import ApiSpec
from unkey_sync_connectors.clerk import events, fetching, listing
from unkey_sync_connectors.native import Native, Parts
from unkey_sync_connectors.signing import SVIX, Verifier

if TYPE_CHECKING:
    from unkey_sync_connectors.base import SourceConfig
    from unkey_sync_connectors.signing import Proof


class Clerk(Native):
    kind = "clerk"
    auth = True
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="https://api.clerk.com", rate_per_s=5)
    """Half of what a development instance may ask (100 requests in 10 s); production ten times that."""
    parts = Parts(events.read_delivery, fetching.fetch, listing.pages, listing.catch_up)

    def prove(self, config: SourceConfig) -> Proof:
        return Verifier(scheme=SVIX, secrets=config.secrets, tolerance_s=config.tolerance_s)
