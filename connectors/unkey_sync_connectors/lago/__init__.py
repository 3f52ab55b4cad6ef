"""Lago: customers, subscriptions and the features that go with them.

`bodies` reads Lago's objects, `events` its webhooks, `verifying` their signatures, `fetching` and `listing` its
API. Wallets, alerts and usage are not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from unkey_sync_connectors.base import ApiSpec
from unkey_sync_connectors.lago import events, fetching, listing
from unkey_sync_connectors.lago.verifying import LagoVerifier
from unkey_sync_connectors.native import Native, Parts

if TYPE_CHECKING:
    from unkey_sync_connectors.base import SourceConfig
    from unkey_sync_connectors.signing import Proof


class Lago(Native):
    kind = "lago"
    auth = False
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="https://api.getlago.com", rate_per_s=5)
    parts = Parts(events.read_delivery, fetching.fetch, listing.pages, listing.catch_up)

    def prove(self, config: SourceConfig) -> Proof:
        return LagoVerifier(config.secrets)
