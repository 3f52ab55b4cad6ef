"""Lago: customers, subscriptions and the features that go with them.

`bodies` reads Lago's objects, `events` its webhooks, `verifying` their signatures, `fetching` and `listing` its
API. Wallets, alerts and usage are not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from unkey_sync_connectors.base import Answer, ApiSpec
from unkey_sync_connectors.lago import events, fetching, listing
from unkey_sync_connectors.lago.verifying import LagoVerifier
from unkey_sync_connectors.samples import load_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import Api, Delivery, Page, SourceConfig
    from unkey_sync_connectors.event import Entity, Event


class Lago:
    """See `base.Connector` for what each method promises."""

    kind: ClassVar[str] = "lago"
    auth: ClassVar[bool] = False
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="https://api.getlago.com", rate_per_s=5)

    def __init__(self, config: SourceConfig) -> None:
        self.config = config
        self._verifier = LagoVerifier(config.secrets)

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
