"""Polar: customers, subscriptions, and granted benefits as entitlements.

`bodies` reads Polar's objects, `events` its webhooks, `fetching` and `listing` its API. Seats of members and
orders are not read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from unkey_sync_connectors.base import Answer, ApiSpec
from unkey_sync_connectors.polar import events, fetching, listing
from unkey_sync_connectors.samples import load_samples
from unkey_sync_connectors.signing import STANDARD_WEBHOOKS, KeyForm, Verifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import Api, Delivery, Page, SourceConfig
    from unkey_sync_connectors.event import Entity, Event

SCHEME = replace(STANDARD_WEBHOOKS, key=KeyForm.EITHER)
"""Standard Webhooks with the secret's text as the key, `whsec_` included (Polar's Python SDK, webhooks); a
secret that is base64 may be meant either way."""


class Polar:
    """See `base.Connector` for what each method promises."""

    kind: ClassVar[str] = "polar"
    auth: ClassVar[bool] = False
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="https://api.polar.sh", rate_per_s=4)
    """Half of production's 500 requests a minute; the sandbox allows 100."""

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
