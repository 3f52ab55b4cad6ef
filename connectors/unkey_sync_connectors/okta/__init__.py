"""Okta: users, and groups as organisations, from event hooks and the System Log.

`bodies` reads Okta's objects, `events` its log events, `fetching` and `listing` its API. Most events say only
that something changed; without an API key little can be known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from unkey_sync_connectors.base import Answer, ApiSpec
from unkey_sync_connectors.credentials import HeaderSecrets
from unkey_sync_connectors.native import Native, Parts
from unkey_sync_connectors.okta import events, fetching, listing
from unkey_sync_connectors.timestamps import DAY

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Delivery, SourceConfig
    from unkey_sync_connectors.signing import Proof


class Okta(Native):
    kind = "okta"
    auth = True
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="", rate_per_s=5, authorization="SSWS {key}")
    """Every org has an address of its own, so it must be configured."""
    feed_keeps: ClassVar[int | None] = 90 * DAY
    parts = Parts(events.read_delivery, fetching.fetch, listing.pages, listing.catch_up)

    def prove(self, config: SourceConfig) -> Proof:
        return HeaderSecrets(secrets=config.secrets)

    def answer(self) -> Answer:
        return Answer(200, b"", {})

    def challenge(self, delivery: Delivery) -> Answer | None:
        return events.answer_challenge(delivery, self._proof)
