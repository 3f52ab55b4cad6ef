"""Paddle Billing: customers, subscriptions and one-time purchases. Paddle Classic is another product and not read.

`bodies` reads Paddle's objects, `events` its notifications and event feed, `fetching` and `listing` its API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from unkey_sync_connectors.base import ApiSpec
from unkey_sync_connectors.native import Native, Parts
from unkey_sync_connectors.paddle import events, fetching, listing
from unkey_sync_connectors.signing import Scheme, Verifier

if TYPE_CHECKING:
    from unkey_sync_connectors.base import SourceConfig
    from unkey_sync_connectors.signing import Proof

SCHEME = Scheme(
    signature=("paddle-signature",),
    prefix="{timestamp}:",
    label="h1",
    separator=";",
    timestamp_label="ts",
)
"""`ts=…;h1=…`, with a second `h1` while a secret rolls (Paddle's Python SDK); the secret is used whole."""


class Paddle(Native):
    kind = "paddle"
    auth = False
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="https://api.paddle.com", rate_per_s=2)
    """Half of what one address may ask (240 requests a minute)."""
    parts = Parts(events.read_delivery, fetching.fetch, listing.pages, listing.catch_up)

    def prove(self, config: SourceConfig) -> Proof:
        return Verifier(scheme=SCHEME, secrets=config.secrets, tolerance_s=config.tolerance_s)
