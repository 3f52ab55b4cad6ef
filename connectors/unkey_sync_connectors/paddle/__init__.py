"""Paddle Billing: customers and subscriptions. Paddle Classic is another product and not read.

`bodies` reads Paddle's objects, `events` its notifications and event feed, `fetching` and `listing` its API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from unkey_sync_connectors.base import Answer, ApiSpec
from unkey_sync_connectors.paddle import events, fetching, listing
from unkey_sync_connectors.samples import load_samples
from unkey_sync_connectors.signing import Scheme, Verifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import Api, Delivery, Page, SourceConfig
    from unkey_sync_connectors.event import Entity, Event

SCHEME = Scheme(
    signature=("paddle-signature",),
    prefix="{timestamp}:",
    label="h1",
    separator=";",
    timestamp_label="ts",
)
"""`ts=…;h1=…`, with a second `h1` while a secret rolls (Paddle's Python SDK); the secret is used whole."""


class Paddle:
    """See `base.Connector` for what each method promises."""

    kind: ClassVar[str] = "paddle"
    auth: ClassVar[bool] = False
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="https://api.paddle.com", rate_per_s=2)
    """Half of what one address may ask (240 requests a minute)."""

    def __init__(self, config: SourceConfig) -> None:
        self.config = config
        self._verifier = Verifier(scheme=SCHEME, secrets=config.secrets, tolerance_s=config.tolerance_s)

    def verify(self, delivery: Delivery, now: int) -> None:
        self._verifier.verify(delivery, now)

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        return events.read_delivery(self.config, delivery)

    def answer(self) -> Answer:
        return Answer()

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        return self._verifier.sign(body, now)

    def fetch(self, api: Api, entity: Entity, owner: Entity | None) -> Event:
        return fetching.fetch(self.config, api, entity, owner)

    def pages(self, api: Api, checkpoint: str | None) -> Iterator[Page]:
        return listing.pages(self.config, api, checkpoint)

    def catch_up(self, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
        return listing.catch_up(self.config, api, since, checkpoint)

    def samples(self) -> Mapping[str, Mapping[str, Any]]:
        return load_samples(self.kind)
