"""Facts, states and policies for tests, with the details that a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from unkey_sync.clock import DAY, SECOND
from unkey_sync.configfile import parse_document
from unkey_sync.desired import compute_desired
from unkey_sync.model import Desired, Fact, State, World
from unkey_sync.policy import Policy, read_policy
from unkey_sync_connectors.event import Entity, Kind

NOW = 1_767_225_600 * SECOND
AUTH = World(auth_sources=frozenset({"clerk"}))
NO_AUTH = World()

TIERS = """
[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m" }]

[[plans]]
name = "pro"
rank = 10
match = [{ source = "stripe", lookup_key = "pro" }, { source = "stripe", product = "prod_pro" }]
identity.ratelimits = [{ name = "requests", limit = 1000, duration = "1m", per_seat = true }]
identity.meta = { support = "priority" }

[[plans]]
name = "max"
rank = 20
match = [{ source = "stripe", lookup_key = "max" }, { source = "stripe", entitlement = "max" }]
"""


def policy(text: str = TIERS) -> Policy:
    return read_policy(parse_document(text.encode(), "test.toml"))


def fact(kind: Kind, entity_id: str, body: dict[str, Any] | None = None, **details: Any) -> Fact:
    known: dict[str, Any] = {
        "source": "clerk" if kind in (Kind.USER, Kind.ORGANIZATION, Kind.MEMBERSHIP) else "stripe",
        "version": NOW - DAY,
        "deleted": False,
        "event_type": f"{kind}.updated",
        "event_id": f"evt_{entity_id}",
    }
    return Fact(entity=Entity(kind, entity_id), body=body or {}, **(known | details))


def user(blocked: str | None = None, **details: Any) -> Fact:
    return fact(Kind.USER, "user_1", {"blocked": blocked}, **details)


def organization(blocked: str | None = None, **details: Any) -> Fact:
    return fact(Kind.ORGANIZATION, "org_1", {"blocked": blocked}, **details)


def member(number: int, **details: Any) -> Fact:
    body = {"organization": "org_1", "user": f"user_{number}"}
    return fact(Kind.MEMBERSHIP, f"mem_{number}", body, **details)


def subscription(status: str = "active", item: str = "pro", sub_id: str = "sub_1", **body: Any) -> Fact:
    """`item` is a lookup key; `quantity`, `trial_end`, `period_end` and so on go into the body."""
    details = {
        name: body.pop(name) for name in ("version", "deleted", "source", "past_due_since") if name in body
    }
    items = [{"product": None, "price": None, "lookup_key": item, "quantity": body.pop("quantity", None)}]
    return fact(Kind.SUBSCRIPTION, sub_id, {"status": status, "items": items} | body, **details)


def entitlements(*features: str, **details: Any) -> Fact:
    return fact(Kind.ENTITLEMENTS, "cus_1", {"features": list(features)}, **details)


def customer(metadata: dict[str, Any] | None = None, **details: Any) -> Fact:
    return fact(Kind.CUSTOMER, details.pop("entity_id", "cus_1"), {"metadata": metadata or {}}, **details)


def desired(*facts: Fact, rules: str = TIERS, world: World = AUTH, now: int = NOW) -> Desired:
    return compute_desired(State(subject="org_1", facts=facts), policy(rules), world, now)
