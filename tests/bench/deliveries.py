"""Correctly signed webhook requests of about 2 KB, all different: users of Clerk, subscriptions of Stripe."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson
from unkey_sync_connectors import registry
from unkey_sync_connectors.base import SourceConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync_connectors.base import Connector

CLERK_SECRET = "whsec_" + base64.b64encode(b"b" * 24).decode()
STRIPE_SECRET = "whsec_bench"
_MARK = "0000mark0000"
_SIZE = 2000


class Deliveries:
    """Makes requests. `now`: microseconds, for the signatures. Even numbers are Clerk's, odd ones Stripe's."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._kinds = [
            ("clerk", _connector("clerk", CLERK_SECRET), _clerk_user()),
            ("stripe", _connector("stripe", STRIPE_SECRET), _stripe_subscription()),
        ]

    def signed(self, number: int, name: str, now: int) -> tuple[str, Mapping[str, str], bytes]:
        """Source, headers and body of one delivery about the entity `name`."""
        source, connector, template = self._kinds[number % 2]
        body = template.replace(_MARK.encode(), name.encode())
        return source, connector.sign(body, now), body

    def request(self, number: int, name: str, now: int) -> bytes:
        """A whole HTTP request about the entity `name`."""
        source, headers, body = self.signed(number, name, now)
        lines = [
            f"POST /webhooks/{source} HTTP/1.1",
            f"host: {self._host}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            *(f"{header}: {value}" for header, value in headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


def _connector(kind: str, secret: str) -> Connector:
    return registry.load_connector(kind)(SourceConfig(name=kind, kind=kind, secrets=(secret,)))


def _clerk_user() -> bytes:
    sample = _copy(_connector("clerk", CLERK_SECRET).samples()["user.created"])
    sample["data"]["id"] = f"user_{_MARK}"
    sample["data"]["image_url"] += "x" * max(0, _SIZE - len(orjson.dumps(sample)))
    return orjson.dumps(sample)


def _stripe_subscription() -> bytes:
    sample = _copy(_connector("stripe", STRIPE_SECRET).samples()["customer.subscription.created"])
    subscription = sample["data"]["object"]
    sample["id"] = f"evt_{_MARK}"
    subscription["id"] = f"sub_{_MARK}"
    subscription["customer"] = f"cus_{_MARK}"
    subscription["metadata"] = {"user_id": f"user_{_MARK}"}
    subscription["items"]["data"][0]["price"]["lookup_key"] = "pro_monthly"
    return orjson.dumps(sample)


def _copy(sample: Any) -> dict[str, Any]:
    return dict(orjson.loads(orjson.dumps(sample)))
