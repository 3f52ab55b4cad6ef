"""What wraps the statements of a delivery: its documents, and each one's id, type, time and account.

Takes a delivery that is proven authentic already; a token in the body is only opened here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unkey_sync_connectors.base import Malformed, Unusable
from unkey_sync_connectors.event import Event, EventOp
from unkey_sync_connectors.generic import cloudevents
from unkey_sync_connectors.generic.bodies import Slot
from unkey_sync_connectors.generic.consent import Consent, compile_consent
from unkey_sync_connectors.generic.paths import Budget, Scope
from unkey_sync_connectors.generic.values import to_id, to_instant, to_text
from unkey_sync_connectors.jose import BadToken, split_token
from unkey_sync_connectors.payload import MAX_ID_LENGTH, body_digest, read_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync_connectors.base import Delivery, SourceConfig
    from unkey_sync_connectors.generic.options import Options
    from unkey_sync_connectors.generic.terms import Terms

CLOUDEVENTS = "cloudevents"
_FORMATS = ("json", CLOUDEVENTS, "jwt")
_DEFAULTS = {"json": {"type": "type"}, "jwt": {"type": "type"}, CLOUDEVENTS: {"type": "type", "time": "time"}}


@dataclass(frozen=True, slots=True)
class Envelope:
    """How one source wraps its events. `id` None: CloudEvents name themselves, others are told by their body."""

    format: str
    type: Slot
    id: Slot | None
    time: Slot | None
    account: Slot | None
    consent: Consent

    def open(self, delivery: Delivery) -> list[Scope]:
        """The documents of a delivery, ready to be read by paths. Raises Malformed."""
        budget = Budget()
        return [Scope(document, delivery.headers, budget) for document in self._documents(delivery)]

    def delivery_id(self, config: SourceConfig, delivery: Delivery, scope: Scope) -> str:
        """Stable over the sender's retries. Raises Unusable."""
        named = self.id.read(scope) if self.id else None
        if named is None and self.format == CLOUDEVENTS:
            return cloudevents.delivery_id(scope.document)
        if named is None:
            return body_digest(config.name, delivery.body)
        return named if len(named) <= MAX_ID_LENGTH else "id:" + hashlib.sha256(named.encode()).hexdigest()

    def blank(self, config: SourceConfig, delivery_id: str, scope: Scope) -> Event:
        """The event to fill in. A missing time is 0. Raises Unusable."""
        account = (self.account.read(scope) if self.account else None) or ""
        if config.account not in ("", account):
            raise Unusable("account is not the configured one")
        time = self.time.read(scope) if self.time else None
        return Event(
            source=config.name,
            account=account,
            delivery_id=delivery_id,
            type=scope.type,
            occurred_at=time.us if time else 0,
            op=EventOp.IGNORE,
            version=time.us if time else 0,
            resolution=time.tick if time else 1,
        )

    def _documents(self, delivery: Delivery) -> list[dict[str, Any]]:
        if self.format == CLOUDEVENTS:
            return cloudevents.read_documents(delivery)
        if self.format == "jwt":
            return [_claims(delivery.body)]
        return [read_object(delivery.body)]


def compile_envelope(options: Options, terms: Terms) -> Envelope:
    """Compile the `envelope` table. Raises ConfigProblem."""
    options.only(("format", "id", "type", "time", "account", "allowed_origins", "allowed_rate"))
    kind = options.choice("format", _FORMATS, "json")
    filled = type(options)({**_DEFAULTS[kind], **options.data}, options.path)

    def slot(name: str, meaning: Callable[[Any], Any]) -> Slot | None:
        term = terms.optional(filled, name)
        return Slot(f"envelope.{name}", term, meaning) if term else None

    return Envelope(
        format=kind,
        type=Slot("envelope.type", terms.required(filled, "type"), to_id),
        id=slot("id", to_text),
        time=slot("time", to_instant),
        account=slot("account", to_id),
        consent=compile_consent(options, cloudevents=kind == CLOUDEVENTS),
    )


def _claims(body: bytes) -> dict[str, Any]:
    try:
        return split_token(body.strip()).claims
    except BadToken:
        raise Malformed("not a token") from None
