"""Acme's own user directory: signed webhooks, a list of users, a feed of changes.

A user is `{"id": "u1", "disabled": false, "changed": "2026-01-01T00:00:00.000Z", "meta": {...}}`; a webhook is
`{"id": "e1", "type": "user.changed" | "user.removed", "user": {...}}`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from unkey_sync_connectors import observed
from unkey_sync_connectors.base import Answer, ApiSpec, Gone, Page, Unusable
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind
from unkey_sync_connectors.payload import Fields, naming, read_object
from unkey_sync_connectors.signing import Scheme, Verifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import Api, ApiReply, Delivery, SourceConfig

SCHEME = Scheme(signature=("acme-signature",), prefix="{timestamp}.", label="v1", timestamp_label="t")
"""`Acme-Signature: t=<seconds>,v1=<hex HMAC-SHA256 of "<seconds>.<body>">`."""


class Acme:
    """See `unkey_sync_connectors.base.Connector` for what each method promises."""

    kind: ClassVar[str] = "acme"
    auth: ClassVar[bool] = True
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="https://directory.acme.example", rate_per_s=10)
    feed_keeps: ClassVar[int | None] = None

    def __init__(self, config: SourceConfig) -> None:
        self.config = config
        self._verifier = Verifier(scheme=SCHEME, secrets=config.secrets, tolerance_s=config.tolerance_s)

    def verify(self, delivery: Delivery, now: int) -> None:
        self._verifier.verify(delivery, now)

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        return self._verifier.sign(body, now)

    def answer(self) -> Answer:
        return Answer()

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        envelope = Fields(read_object(delivery.body))
        delivery_id = envelope.id("id")
        event_type = envelope.text("type")
        with naming(delivery_id, event_type):
            blank = observed.blank(self.config, event_type, None)
            if not event_type.startswith("user."):
                return [replace(blank, delivery_id=delivery_id)]
            said = self._user(blank, envelope.fields("user"))
            if event_type == "user.removed":
                said = replace(said, op=EventOp.DELETE, body={}, rank=2, terminal=True)
            return [replace(said, delivery_id=delivery_id, occurred_at=said.version)]

    def fetch(self, api: Api, entity: Entity, owner: Entity | None) -> Event:
        try:
            reply = api.get(f"/users/{entity.id}")
        except Gone as gone:
            return observed.deleted(observed.blank(self.config, observed.FETCH, gone.date), entity, owner)
        return self._observed(Fields(reply.data), reply, observed.FETCH)

    def pages(self, api: Api, checkpoint: str | None) -> Iterator[Page]:
        """The list is in the order of creation, so what `after` has passed stays passed."""
        after = checkpoint or ""
        while True:
            reply = api.get("/users", {"after": after, "limit": 100})
            found = Fields(reply.data)
            rows = found.each("users")
            after = rows[-1].id("id") if rows else after
            yield Page(
                events=[self._observed(row, reply, observed.BACKFILL) for row in rows],
                checkpoint=after,
                last=not found.flag("more"),
                total=found.integer_or_none("total"),
            )
            if not found.flag("more"):
                return

    def catch_up(self, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
        """The feed shows a change up to a minute late: reading begins a minute earlier."""
        since = int(checkpoint) if checkpoint else since
        reply = api.get("/changes", {"since": max(since - 60 * 1_000_000, 0)})
        rows = Fields(reply.data).each("users")
        events = [self._observed(row, reply, observed.CATCH_UP) for row in rows]
        return observed.oldest_first(events, since)

    def samples(self) -> Mapping[str, Mapping[str, Any]]:
        user = {"id": "u1", "disabled": False, "changed": "2026-01-01T00:00:00.000Z", "meta": {}}
        return {
            "user.changed": {"id": "e1", "type": "user.changed", "user": user},
            "user.removed": {"id": "e2", "type": "user.removed", "user": user},
        }

    def _user(self, blank: Event, user: Fields) -> Event:
        changed = user.instant("changed")
        return replace(
            blank,
            op=EventOp.UPSERT,
            entity=Entity(Kind.USER, user.id("id")),
            version=changed.us,
            resolution=changed.tick,
            body={
                "external_ref": None,
                "blocked": "disabled" if user.flag("disabled") else None,
                "metadata": user.chosen_texts("meta", self.config.metadata_keys),
            },
        )

    def _observed(self, user: Fields, reply: ApiReply, event_type: str) -> Event:
        """A row that cannot be understood makes its object be fetched, and stops no listing."""
        blank = observed.blank(self.config, event_type, reply.date)
        try:
            return observed.versioned(self._user(blank, user))
        except Unusable:
            signal = replace(blank, op=EventOp.SIGNAL, entity=Entity(Kind.USER, user.id("id")))
            return observed.versioned(signal)
