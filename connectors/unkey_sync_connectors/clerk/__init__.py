"""Clerk: users, organisations, memberships, and the plans of Clerk Billing.

`bodies` reads Clerk's objects, `events` its webhooks, `fetching`, `listing` and `walking` its Backend API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from unkey_sync_connectors.base import Answer, ApiSpec
from unkey_sync_connectors.clerk import events, fetching, listing
from unkey_sync_connectors.samples import load_samples
from unkey_sync_connectors.signing import SVIX, Verifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import Api, Delivery, Page, SourceConfig
    from unkey_sync_connectors.event import Entity, Event


class Clerk:
    """See `base.Connector` for what each method promises."""

    kind: ClassVar[str] = "clerk"
    auth: ClassVar[bool] = True
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="https://api.clerk.com", rate_per_s=5)
    """Half of what a development instance may ask (100 requests in 10 s); production ten times that."""

    def __init__(self, config: SourceConfig) -> None:
        self.config = config
        self._verifier = Verifier(scheme=SVIX, secrets=config.secrets, tolerance_s=config.tolerance_s)

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
