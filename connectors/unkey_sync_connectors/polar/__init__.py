"""Polar: customers, subscriptions, one-time purchases, and granted benefits as entitlements.

`bodies` reads Polar's objects, `events` its webhooks, `fetching` and `listing` its API. Seats of members are
not read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from unkey_sync_connectors.base import ApiSpec
from unkey_sync_connectors.native import Native, Parts
from unkey_sync_connectors.polar import events, fetching, listing
from unkey_sync_connectors.signing import STANDARD_WEBHOOKS, KeyForm, Verifier
from unkey_sync_connectors.timestamps import DAY

if TYPE_CHECKING:
    from unkey_sync_connectors.base import SourceConfig
    from unkey_sync_connectors.signing import Proof

SCHEME = replace(STANDARD_WEBHOOKS, key=KeyForm.EITHER)
"""Standard Webhooks with the secret's text as the key, `whsec_` included (Polar's Python SDK, webhooks); a
secret that is base64 may be meant either way."""


class Polar(Native):
    kind = "polar"
    auth = False
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="https://api.polar.sh", rate_per_s=4)
    """Half of production's 500 requests a minute; the sandbox allows 100."""
    feed_keeps: ClassVar[int | None] = 90 * DAY
    parts = Parts(events.read_delivery, fetching.fetch, listing.pages, listing.catch_up)

    def prove(self, config: SourceConfig) -> Proof:
        return Verifier(scheme=SCHEME, secrets=config.secrets, tolerance_s=config.tolerance_s)
