"""Auth0: users, organisations, their members and the roles that members hold, from event streams.

`bodies` reads Auth0's objects, `events` its CloudEvents, `fetching` and `listing` its Management API. The
Events API (a stream of its own) is not read: see docs/sources/auth0.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from unkey_sync_connectors.auth0 import events, fetching, listing
from unkey_sync_connectors.base import Answer, ApiSpec
from unkey_sync_connectors.credentials import HeaderSecrets
from unkey_sync_connectors.samples import load_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import Api, Delivery, Page, SourceConfig
    from unkey_sync_connectors.event import Entity, Event


class Auth0:
    """See `base.Connector` for what each method promises."""

    kind: ClassVar[str] = "auth0"
    auth: ClassVar[bool] = True
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="", rate_per_s=2)
    """Every tenant has an address of its own, so it must be configured."""

    def __init__(self, config: SourceConfig) -> None:
        self.config = config
        self._verifier = HeaderSecrets(secrets=config.secrets)

    def verify(self, delivery: Delivery, now: int) -> None:
        self._verifier.verify(delivery)

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        return events.read_delivery(self.config, delivery)

    def answer(self) -> Answer:
        return Answer()

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        return self._verifier.sign()

    def fetch(self, api: Api, entity: Entity, owner: Entity | None) -> Event:
        return fetching.fetch(self.config, api, entity, owner)

    def pages(self, api: Api, checkpoint: str | None) -> Iterator[Page]:
        return listing.pages(self.config, api, checkpoint)

    def catch_up(self, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
        return listing.catch_up(self.config, api, since, checkpoint)

    def samples(self) -> Mapping[str, Mapping[str, Any]]:
        return load_samples(self.kind)
