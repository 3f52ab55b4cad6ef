"""Every kind of sender: how it signs, a delivery of its own, one of no interest, one that nobody can understand."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from unkey_sync.clock import SystemClock
from unkey_sync_connectors import registry
from unkey_sync_connectors.base import SourceConfig

from tests.unit.connectors.generic.support import SECRET, Signer
from tests.unit.connectors.natives import HOOK_SECRET, SECRETS
from tests.unit.connectors.test_native_tokens import private_key, public_pem, token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unkey_sync_connectors.base import Connector

Headers = dict[str, str]
Payload = dict[str, Any]
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Sender:
    """`type`, `broken`: paths in the `sample` event whose change makes it one of no interest, or unusable.

    `proof`: makes the headers that prove a body, where the connector itself cannot; `written`: makes the body.
    """

    kind: str
    sample: str
    type: str
    broken: tuple[str, Any]
    secret: str = SECRET
    options: Mapping[str, Any] = field(default_factory=dict)
    proof: Callable[[bytes], Headers] | None = None
    written: Callable[[Payload], bytes] = orjson.dumps
    content_type: str = JSON
    answer: tuple[int, str | None, bytes] = (200, JSON, b"{}")

    def connector(self, name: str) -> Connector:
        return registry.create(
            SourceConfig(name=name, kind=self.kind, secrets=(self.secret,), options=self.options)
        )

    def good(self) -> bytes:
        return self.written(self._payload())

    def irrelevant(self) -> bytes:
        return self.written(changed(self._payload(), self.type, "something.new"))

    def unusable(self) -> bytes:
        return self.written(changed(self._payload(), *self.broken))

    def headers(self, body: bytes) -> Headers:
        """As the vendor would send them now."""
        made = self.proof(body) if self.proof else self.connector("any").sign(body, SystemClock().now())
        return {"content-type": self.content_type, **made}

    def _payload(self) -> Payload:
        return copy.deepcopy(dict(self.connector("any").samples()[self.sample]))


def changed(payload: Payload, path: str, value: Any) -> Payload:
    *way, last = path.split(".")
    inner: Any = payload
    for step in way:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    inner[last] = value
    return payload


@cache
def kindes_key() -> Signer:
    return Signer("RS256")


def lagos_token(body: bytes) -> Headers:
    return {
        "x-lago-signature": token({"data": body.decode(), "iss": "https://lago.example.com"}),
        "x-lago-signature-algorithm": "jwt",
        "x-lago-unique-key": str(hash(body)),
    }


def preset(name: str, sample: str, kind: str, broken: tuple[str, Any], **more: Any) -> Sender:
    return Sender("generic", sample, kind, broken, options={"preset": name, **more.pop("own", {})}, **more)


def senders() -> dict[str, Sender]:
    """By the name of the source."""
    frozen = "frozen"
    subscription = ("data.status", frozen)
    lago = Sender(
        "lago", "subscription.started", "webhook_type", ("subscription.status", frozen), SECRETS["lago"]
    )
    hook = Sender(
        "supabase",
        "after-user-created",
        "metadata.name",
        ("user.id", 7),
        HOOK_SECRET,
        answer=(204, None, b""),
    )
    return {
        "stripe": Sender("stripe", "customer.subscription.updated", "type", ("data.object.status", frozen)),
        "polar": Sender("polar", "subscription.updated", "type", subscription, SECRETS["polar"]),
        "paddle": Sender("paddle", "subscription.updated", "event_type", subscription, SECRETS["paddle"]),
        "lago": lago,
        "lago-jwt": replace(lago, secret=public_pem(private_key()), proof=lagos_token),
        "clerk": Sender("clerk", "user.updated", "type", ("data.id", 7)),
        "workos": Sender("workos", "user.updated", "event", ("data.id", 7), SECRETS["workos"]),
        "auth0": Sender("auth0", "user.updated", "type", ("data.object.user_id", 7), SECRETS["auth0"]),
        "supabase-hook": hook,
        "supabase-table": replace(
            hook, sample="UPDATE", type="table", broken=("record.id", 7), secret=SECRETS["supabase"]
        ),
        "okta": Sender(
            "okta",
            "user.lifecycle.create",
            "data.events.0.eventType",
            ("data.events.0.target", []),
            SECRETS["okta"],
            answer=(200, None, b""),
        ),
        "keycloak": Sender(
            "keycloak", "access.UPDATE_PROFILE", "type", ("authDetails.userId", 7), SECRETS["keycloak"]
        ),
        **presets(frozen),
    }


def presets(frozen: str) -> dict[str, Sender]:
    user: tuple[str, Any] = ("data.id", [])
    return {
        "standard-webhooks": preset("standard-webhooks", "user.updated", "type", user),
        "cloudevents": preset(
            "cloudevents",
            "user.updated",
            "type",
            user,
            content_type="application/cloudevents+json",
            own={"envelope": {"allowed_origins": ["eventgrid.azure.net"], "allowed_rate": 600}},
        ),
        "lemon-squeezy": preset(
            "lemon-squeezy", "subscription_updated", "meta.event_name", ("data.attributes.status", frozen)
        ),
        "chargebee": preset(
            "chargebee",
            "subscription_changed",
            "event_type",
            ("content.subscription.status", frozen),
            secret="unkey:pa55",
        ),
        "orb": preset("orb", "subscription.plan_changed", "type", ("subscription.status", frozen)),
        "revenuecat": preset("revenuecat", "RENEWAL", "event.type", ("event.app_user_id", [])),
        "kinde": preset(
            "kinde",
            "user.updated",
            "type",
            ("data.user.id", []),
            own={"verify": {"jwks": {"keys": [kindes_key().jwk]}}},
            written=lambda payload: kindes_key().token(payload).encode(),
            proof=lambda _body: {},
            content_type="application/jwt",
        ),
        "stytch": preset("stytch", "member.update", "action", ("id", [])),
        "zitadel": preset("zitadel", "user.human.added", "event_type", ("aggregateID", [])),
        "fusionauth": preset("fusionauth", "user.update.complete", "event.type", ("event.user.id", [])),
        "ory": preset("ory", "identity.updated", "type", ("identity.id", [])),
        "better-auth": preset("better-auth", "user.updated", "type", user),
    }
