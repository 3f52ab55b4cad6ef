"""Supabase: users, from a database webhook on `auth.users` and from the auth hook after a sign-up.

`bodies` reads Supabase's users, `events` both kinds of delivery, `verifying` proves either, `fetching` and
`listing` use the admin API of Supabase Auth. Other tables are not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from unkey_sync_connectors.base import Answer, ApiSpec
from unkey_sync_connectors.native import Native, Parts
from unkey_sync_connectors.supabase import events, fetching, listing
from unkey_sync_connectors.supabase.verifying import SupabaseVerifier

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Delivery, SourceConfig
    from unkey_sync_connectors.signing import Proof


class Supabase(Native):
    kind = "supabase"
    auth = True
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="", rate_per_s=5, headers={"apikey": "{key}"})
    """Every project has an address of its own, so it must be configured."""
    parts = Parts(events.read_delivery, fetching.fetch, listing.pages, listing.catch_up)

    def prove(self, config: SourceConfig) -> Proof:
        return SupabaseVerifier(config)

    def kept(self, delivery: Delivery) -> bytes:
        return events.spare(delivery.body)

    def answer(self) -> Answer:
        # A plain 200 fails the sign-up that the auth hook belongs to.
        return Answer(204, b"", {})
