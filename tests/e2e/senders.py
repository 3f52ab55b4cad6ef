"""Clerk and Stripe as senders: documented bodies, edited, signed by the vendors' own SDKs, sent over HTTP."""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from stripe import WebhookSignature
from svix.webhooks import Webhook
from unkey_sync.sample import freshen, override
from unkey_sync_connectors.samples import load_samples

SECOND = 1_000_000
CLERK_SECRET = "whsec_" + base64.b64encode(b"a clerk secret of e2e tests").decode()
STRIPE_SECRET = "whsec_e2eStripeSecretOfTheTests"


@dataclass(frozen=True)
class Letter:
    """A webhook that may be delivered any number of times; each delivery is signed anew, under one id."""

    source: str
    body: bytes = field(repr=False)
    message_id: str = ""

    def headers(self, at: float | None = None) -> dict[str, str]:
        """Headers as the vendor's own software makes them, at `at` (seconds; now by default)."""
        moment = time.time() if at is None else at
        text = self.body.decode("utf-8", "surrogateescape")
        if self.source == "stripe":
            signature = WebhookSignature.generate_signature_header(text, STRIPE_SECRET, int(moment))
            return {"stripe-signature": signature}
        sent = datetime.fromtimestamp(int(moment), UTC)
        signature = Webhook(CLERK_SECRET).sign(self.message_id, sent, text)
        return {
            "svix-id": self.message_id,
            "svix-timestamp": str(int(moment)),
            "svix-signature": signature,
        }


class Writer:
    """Writes letters. Each tells of something that happened two seconds after the one before, all in the past."""

    def __init__(self) -> None:
        self._at = int((time.time() - 7_200) * SECOND)

    def clerk(self, event: str, *changes: str, at: float | None = None) -> Letter:
        """`changes`: path=value below `data`. `at`: seconds on the source's clock."""
        return clerk_letter(self._payload("clerk", event, "data", changes, at))

    def stripe(self, event: str, *changes: str, at: float | None = None) -> Letter:
        """`changes`: path=value below `data.object`."""
        return stripe_letter(self._payload("stripe", event, "data.object", changes, at))

    def _payload(
        self, source: str, event: str, prefix: str, changes: tuple[str, ...], at: float | None
    ) -> dict[str, Any]:
        self._at += 2 * SECOND
        moment = self._at if at is None else int(at * SECOND)
        return override(freshen(load_samples(source)[event], moment), [f"{prefix}.{one}" for one in changes])

    def user(self, user: str, event: str = "created", *changes: str, at: float | None = None) -> Letter:
        return self.clerk(f"user.{event}", f"id={user}", *changes, at=at)

    def organization(self, name: str, event: str = "created", *changes: str) -> Letter:
        return self.clerk(f"organization.{event}", f"id={name}", *changes)

    def membership(self, organization: str, user: str, event: str = "created") -> Letter:
        parties = (f"organization.id={organization}", f"public_user_data.user_id={user}")
        return self.clerk(f"organizationMembership.{event}", *parties)

    def customer(self, subject: str, *, linked: bool = True) -> Letter:
        """A billing customer, `cus_<subject>`, that names its subject or does not."""
        metadata = {"user_id": subject} if linked else {}
        return self.stripe(
            "customer.created" if linked else "customer.updated",
            f"id=cus_{subject}",
            f"metadata={json.dumps(metadata)}",
        )

    def subscription(
        self,
        subject: str,
        event: str = "created",
        *changes: str,
        plan: str = "pro_monthly",
        at: float | None = None,
    ) -> Letter:
        """Subscription `sub_<subject>`, active unless `changes` say otherwise; its metadata names nobody."""
        return self.stripe(
            f"customer.subscription.{event}",
            f"id=sub_{subject}",
            f"customer=cus_{subject}",
            "status=active",
            "trial_end=null",
            "metadata={}",
            f"items.data.0.price.lookup_key={plan}",
            *changes,
            at=at,
        )


def clerk_letter(payload: dict[str, Any]) -> Letter:
    return Letter("clerk", json.dumps(payload).encode(), f"msg_{uuid.uuid4().hex}")


def stripe_letter(payload: dict[str, Any]) -> Letter:
    return Letter("stripe", json.dumps(payload).encode())


class Post:
    """Delivers letters to one receiver, whatever its address is at the moment."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(timeout=30, trust_env=False)

    def deliver(self, letter: Letter, at: float | None = None) -> httpx.Response:
        """One attempt. Raises httpx.TransportError."""
        headers = {"content-type": "application/json", **letter.headers(at)}
        return self._http.post(f"{self.url}/webhooks/{letter.source}", content=letter.body, headers=headers)

    def raw(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return self._http.post(f"{self.url}{path}", content=body, headers=headers)

    def get(self, path: str) -> httpx.Response:
        return self._http.get(f"{self.url}{path}")

    def close(self) -> None:
        self._http.close()
