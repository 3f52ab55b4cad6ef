"""Envelopes come off; what is inside reaches the connector byte for byte where that is possible."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from unkey_sync.consume.envelopes import unwrap
from unkey_sync.consume.message import Message, to_headers
from unkey_sync_connectors.base import Unusable

VENDOR = {"id": "evt_1", "type": "customer.created"}
CLOUD_EVENT = {"specversion": "1.0", "id": "a-1", "source": "/stripe", "type": "customer.created"}
GRID_EVENT = {"id": "g-1", "topic": "/t", "subject": "s", "eventType": "stripe", "data": VENDOR}
BRIDGE_EVENT = {"version": "0", "id": "b-1", "detail-type": "customer.created", "detail": VENDOR}


def unwrapped(form: str, body: Any, headers: dict[str, str] | None = None) -> list[tuple[Any, str]]:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return [(one.delivery.body, one.id) for one in unwrap(form, Message(raw, headers or {}))]


def test_a_vendors_body_stays_as_it_is() -> None:
    message = Message(b' {"a" : 1}\n', {"stripe-signature": "t=1"})

    (found,) = unwrap("vendor", message)

    assert found.delivery.body is message.body
    assert found.delivery.headers == {"stripe-signature": "t=1"}
    assert found.id == ""


def test_a_structured_cloud_event_gives_its_data_and_its_id() -> None:
    assert unwrapped("cloudevents", {**CLOUD_EVENT, "data": VENDOR}) == [
        (orjson.dumps(VENDOR), "ce:/stripe/a-1")
    ]


def test_data_that_is_text_or_base64_comes_through_byte_for_byte() -> None:
    raw = b'{ "id" : "evt_1" }'
    encoded = base64.b64encode(raw).decode()

    found = unwrapped(
        "cloudevents", [{**CLOUD_EVENT, "data": raw.decode()}, {**CLOUD_EVENT, "data_base64": encoded}]
    )

    assert [body for body, _ in found] == [raw, raw]


@pytest.mark.parametrize("prefix", ["ce_", "ce-", "cloudevents:", "cloudevents_"])
def test_a_binary_cloud_event_is_its_body(prefix: str) -> None:
    headers = {f"{prefix}{name}": value for name, value in CLOUD_EVENT.items()}

    assert unwrapped("cloudevents", b"raw", headers) == [(b"raw", "ce:/stripe/a-1")]


def test_a_batch_is_several_events() -> None:
    batch = [{**CLOUD_EVENT, "id": name, "data": VENDOR} for name in ("1", "2")]

    assert [identity for _, identity in unwrapped("cloudevents", batch)] == ["ce:/stripe/1", "ce:/stripe/2"]


def test_a_long_id_becomes_a_digest_that_is_the_same_again() -> None:
    long = {**CLOUD_EVENT, "id": "x" * 5_000, "data": VENDOR}

    ((_, first),) = unwrapped("cloudevents", long)
    ((_, second),) = unwrapped("cloudevents", long)

    assert first == second
    assert len(first) < 80


def test_an_eventbridge_event_gives_its_detail() -> None:
    assert unwrapped("eventbridge", BRIDGE_EVENT) == [(orjson.dumps(VENDOR), "eventbridge:b-1")]


def test_event_grid_delivers_its_own_schema_or_cloud_events() -> None:
    batch = [GRID_EVENT, {**CLOUD_EVENT, "data": VENDOR}]

    assert [identity for _, identity in unwrapped("eventgrid", batch)] == [
        "eventgrid:/t/g-1",
        "ce:/stripe/a-1",
    ]
    assert unwrapped("eventgrid", GRID_EVENT)[0][0] == orjson.dumps(VENDOR)


@pytest.mark.parametrize(
    ("form", "body", "reason"),
    [
        ("cloudevents", b"{", "the message is not JSON"),
        ("cloudevents", [], "an empty batch"),
        ("cloudevents", [7], "an event of the batch is no object"),
        ("cloudevents", {**CLOUD_EVENT, "data": 1, "specversion": "0.3"}, "specversion is not 1.x"),
        ("cloudevents", {"specversion": "1.0", "data": 1}, "type is missing"),
        ("cloudevents", CLOUD_EVENT, "data is missing"),
        ("cloudevents", {**CLOUD_EVENT, "data_base64": "?"}, "data_base64 is not base64"),
        ("cloudevents", b"[" * 600_000, "more values than any message has"),
        ("eventbridge", [BRIDGE_EVENT], "an EventBridge event is an object"),
        ("eventbridge", {**BRIDGE_EVENT, "detail": None}, "detail is missing"),
        ("eventbridge", {"id": "b-1", "detail": VENDOR}, "detail-type is missing"),
        ("eventgrid", [], "an empty batch"),
        ("eventgrid", [7], "an event of the batch is no object"),
        ("eventgrid", {**GRID_EVENT, "id": 7}, "id is missing"),
    ],
)
def test_what_is_no_envelope_is_unusable_and_says_why(form: str, body: Any, reason: str) -> None:
    with pytest.raises(Unusable) as refused:
        unwrapped(form, body)

    assert refused.value.reason == reason


def test_headers_are_texts_with_lower_case_names() -> None:
    found = to_headers([(b"Svix-Id", b"msg_\xff"), ("X-Count", 7), ("X-Tree", {"a": 1}), ("x-none", None)])

    assert found == {"svix-id": "msg_�", "x-count": "7"}
