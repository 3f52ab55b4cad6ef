"""WorkOS: AuthKit's users, organisations and memberships, and the users of Directory Sync.

`bodies` reads WorkOS's objects, `events` its webhooks and event feed, `fetching` and `listing` its API.
Directory groups are not read, and a deleted directory is parked: see docs/sources/workos.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from unkey_sync_connectors.base import Answer, ApiSpec
from unkey_sync_connectors.samples import load_samples
from unkey_sync_connectors.signing import Scheme, Unit, Verifier
from unkey_sync_connectors.workos import events, fetching, listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import Api, Delivery, Page, SourceConfig
    from unkey_sync_connectors.event import Entity, Event

SCHEME = Scheme(
    signature=("workos-signature",),
    prefix="{timestamp}.",
    label="v1",
    timestamp_label="t",
    unit=Unit.MILLISECONDS,
    times=re.compile(r"\d{12,14}", re.ASCII),
)
"""`t=…, v1=…` with milliseconds (WorkOS's Python SDK, webhooks); the secret is used whole."""

MAX_TOLERANCE_S = 180
"""What WorkOS's own SDK allows; configuration can only shorten it."""


class WorkOS:
    """See `base.Connector` for what each method promises."""

    kind: ClassVar[str] = "workos"
    auth: ClassVar[bool] = True
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="https://api.workos.com", rate_per_s=20)

    def __init__(self, config: SourceConfig) -> None:
        self.config = config
        tolerance_s = min(config.tolerance_s, MAX_TOLERANCE_S)
        self._verifier = Verifier(scheme=SCHEME, secrets=config.secrets, tolerance_s=tolerance_s)

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
