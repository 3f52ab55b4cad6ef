"""Whatever a sender writes, a delivery ends as events, as malformed or as unusable; and soon."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unkey_sync_connectors.base import Delivery, Malformed, Unusable
from unkey_sync_connectors.event import SUBSCRIPTION_STATUSES, EventOp
from unkey_sync_connectors.generic.presets import known_presets, load_samples

from tests.unit.connectors.generic.support import cost_s, encode, generic, problem, rejection

LIMIT_S = 0.1
SECRETS = {"chargebee": "unkey:pa55"}
SOURCES = {name: generic({"preset": name}, SECRETS.get(name, "c2VjcmV0")) for name in known_presets()}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["authorization", "content-type", "ce-id", "ce-type", "ce-source", "ce-specversion", "webhook-id",
         "webhook-timestamp", "webhook-signature", "x-signature", "zitadel-signature", "x-orb-signature"]
    ),
    st.text(max_size=40) | st.sampled_from(["application/cloudevents+json", "application/cloudevents-batch"]),
)  # fmt: skip


def outcome(name: str, body: bytes, headers: dict[str, str]) -> list[str]:
    """What the delivery ends as; any other exception than those of the contract fails the test."""
    try:
        events = SOURCES[name].parse(Delivery(body, headers))
    except Malformed as malformed:
        return ["malformed", str(malformed)]
    except Unusable as unusable:
        return ["unusable", unusable.reason]
    assert events
    for event in events:
        assert event.delivery_id
        assert event.op is not EventOp.SIGNAL
        assert orjson.dumps(event.body)
        assert event.body.get("status", "active") in SUBSCRIPTION_STATUSES
        assert event.entity is None or 0 < len(event.entity.id) <= 1_100
    return ["events"]


@given(
    st.sampled_from(known_presets()),
    st.binary(max_size=200) | JSON.map(lambda value: str(value).encode()),
    HEADERS,
)
def test_arbitrary_bytes_and_headers_are_handled(name: str, body: bytes, headers: dict[str, str]):
    assert outcome(name, body, headers)
    assert re.fullmatch(r"[a-z_]+", rejection(SOURCES[name], body, headers) or "accepted")


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, Any]:
    """A sample in which some values, anywhere, were replaced by anything."""
    name = draw(st.sampled_from(known_presets()))
    samples = load_samples(name)
    payload = orjson.loads(orjson.dumps(samples[draw(st.sampled_from(sorted(samples)))]))
    for _ in range(draw(st.integers(1, 3))):
        where = payload
        while True:
            key = draw(st.sampled_from(sorted(where) if isinstance(where, dict) else range(len(where))))
            if not isinstance(where[key], dict | list) or not where[key] or draw(st.booleans()):
                break
            where = where[key]
        where[key] = draw(JSON | st.just("\0") | st.just("x" * 300) | st.just(10**17) | st.just(-1))
    return name, payload


@given(damaged())
def test_damaged_samples_are_handled_and_reasons_quote_nothing(case: tuple[str, Any]):
    name, payload = case
    body = f"e30.{encode(orjson.dumps(payload))}.AA".encode()
    body = body if name == "kinde" else orjson.dumps(payload)

    result = outcome(name, body, {"content-type": "application/cloudevents+json"})

    assert "ada" not in result[-1].lower()


BOMBS = {
    "deep": b'{"data":' * 100_000 + b"1" + b"}" * 100_000,
    "wide": b'{"type":"user.created","data":{"id":[' + b"1," * 500_000 + b"1]}}",
    "one long text": b'{"type":"user.created","data":{"id":"' + b"x" * 1_000_000 + b'"}}',
    "long type": b'{"type":"' + b"x" * 1_000_000 + b'"}',
    "duplicate names": b"{" + b'"type":"a",' * 90_000 + b'"type":"b"}',
    "many digits": b'{"type":"user.created","timestamp":' + b"9" * 5_000 + b"}",
    "infinite": b'{"type":"user.created","timestamp":1e999}',
    "lone surrogate": b'{"type":"user.created","data":{"id":"\\ud800"}}',
    "trailing": b'{"type":"user.created"} {}',
    "mark": b'\xef\xbb\xbf{"type":"user.created"}',
    "dunder": b'{"type":"__class__","data":{"__globals__":{}}}',
}


@pytest.mark.parametrize("name", ["standard-webhooks", "cloudevents", "chargebee"])
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_in_a_delivery_ends_soon(name: str, bomb: bytes):
    headers = {"content-type": "application/cloudevents+json"}

    assert outcome(name, bomb, headers)
    assert cost_s(lambda: outcome(name, bomb, headers)) < LIMIT_S


def costly(rules: dict[str, Any], rows: int) -> str:
    document = {"type": "x", "timestamp": "2026-01-01T00:00:00Z", "id": "u", "rows": [{"k": "v"}] * rows}
    source = generic({"rules": {"one": {"types": ["*"], "entity": "user", "id": "id", **rules}}})
    body = orjson.dumps(document)

    def reason() -> str:
        try:
            source.parse(Delivery(body))
        except Unusable as unusable:
            return unusable.reason
        return "events"

    assert cost_s(reason) < LIMIT_S
    return reason()


def test_rules_that_multiply_are_stopped_by_their_budget():
    search = {"first": ["rows[k=none].x"] * 500}

    assert "too many steps" in costly({"for_each": "rows", "id": search}, 1_000)
    assert "too many steps" in costly({"when": {"exists": search}}, 20_000)


def test_a_batch_shares_one_budget():
    event = {"specversion": "1.0", "id": "1", "source": "s", "type": "subscription.x"}
    data = {"id": "1", "customer": "c", "status": "active", "items": [{"price": "p"}] * 150}
    batch = [{**event, "time": "2026-01-01T00:00:00Z", "data": data}] * 90
    body, headers = orjson.dumps(batch), {"content-type": "application/cloudevents-batch+json"}

    result = outcome("cloudevents", body, headers)

    assert result == ["unusable", "the rules need too many steps for this delivery"]
    assert cost_s(lambda: outcome("cloudevents", body, headers)) < LIMIT_S


@pytest.mark.parametrize(
    "term",
    [
        {"first": ["a"] * 100_000},
        {"join": [{"join": ["a"] * 1_000}] * 1_000},
        ".".join(["a"] * 30_000),
        "a" + "[0]" * 30_000,
        "[" * 60_000,
        '"' * 60_001,
    ],
)
def test_a_bomb_in_the_rules_is_refused_soon(term: Any):
    options = {"rules": {"one": {"types": ["*"], "entity": "user", "id": term}}}

    path, _ = problem(options)

    assert path[:3] == ("rules", "one", "id")
    assert cost_s(lambda: problem(options)) < LIMIT_S
