"""Supabase: users, from a database webhook on `auth.users` and from the auth hook after a sign-up.

`bodies` reads Supabase's users, `events` both kinds of delivery, `verifying` proves either, `fetching` and
`listing` use the admin API of Supabase Auth. Other tables are not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from unkey_sync_connectors.base import Answer, ApiSpec
from unkey_sync_connectors.samples import load_samples
from unkey_sync_connectors.supabase import events, fetching, listing
from unkey_sync_connectors.supabase.verifying import SupabaseVerifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import Api, Delivery, Page, SourceConfig
    from unkey_sync_connectors.event import Entity, Event


class Supabase:
    """See `base.Connector` for what each method promises."""

    kind: ClassVar[str] = "supabase"
    auth: ClassVar[bool] = True
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="", rate_per_s=5, headers={"apikey": "{key}"})
    """Every project has an address of its own, so it must be configured."""

    def __init__(self, config: SourceConfig) -> None:
        self.config = config
        self._verifier = SupabaseVerifier(config)

    def verify(self, delivery: Delivery, now: int) -> None:
        self._verifier.verify(delivery, now)

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        return events.read_delivery(self.config, delivery)

    def answer(self) -> Answer:
        # A plain 200 fails the sign-up that the auth hook belongs to.
        return Answer(204, b"", {})

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
