"""A source that reads CloudEvents itself gets them whole from a queue: the same event as by HTTP, in any mode."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from unkey_sync.clock import FakeClock
from unkey_sync.consume.message import Message
from unkey_sync.consume.reading import Reader
from unkey_sync_connectors.base import Delivery

from tests.unit.connectors.generic.support import NOW, generic

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = {"id": "user_1"}
ATTRIBUTES = {
    "specversion": "1.0",
    "id": "evt 1 % é",
    "source": "/accounts/example",
    "type": "user.created",
    "time": "2026-01-01T00:00:00Z",
}
EVENT = {**ATTRIBUTES, "data": DATA}
SOURCE = generic({"preset": "cloudevents"}, name="shop")
(BY_HTTP,) = SOURCE.parse(Delivery(orjson.dumps(EVENT), {"content-type": "application/cloudevents+json"}))


def read(body: Any, headers: Mapping[str, str] | None = None, **changes: Any) -> list[Any]:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    reader = Reader(source="shop", connector=SOURCE, clock=FakeClock(NOW), form="cloudevents", **changes)
    return reader.read(Message(raw, headers or {}))


@pytest.mark.parametrize(
    "headers",
    [{}, {"content-type": "application/cloudevents+json"}, {"content-type": "application/octet-stream"}],
)
def test_a_structured_event(headers: dict[str, str]) -> None:
    (intake,) = read(EVENT, headers)

    assert list(intake.events) == [BY_HTTP]


@pytest.mark.parametrize("prefix", ["ce_", "ce-", "cloudevents:", "cloudevents_"])
def test_a_binary_event_of_every_binding_whatever_is_in_its_attributes(prefix: str) -> None:
    headers = {f"{prefix}{name}": value for name, value in ATTRIBUTES.items()}

    (intake,) = read(DATA, headers)

    assert list(intake.events) == [BY_HTTP]


def test_a_binary_event_whose_data_is_no_json_is_parked() -> None:
    headers = {f"ce_{name}": value for name, value in ATTRIBUTES.items()}

    (intake,) = read(b"<user/>", {**headers, "content-type": "text/xml"})

    assert intake.parked.reason.endswith("data.id is missing")


def test_data_in_base64() -> None:
    (intake,) = read({**ATTRIBUTES, "data_base64": base64.b64encode(orjson.dumps(DATA)).decode()})

    assert list(intake.events) == [BY_HTTP]


def test_a_batch_is_stored_together_or_not_at_all() -> None:
    second = {**EVENT, "id": "evt-2", "data": {"id": "user_2"}}

    (good,) = read([EVENT, second])
    (bad,) = read([EVENT, {**second, "data": {}}])

    assert [event.entity.id for event in good.events] == ["user_1", "user_2"]
    assert bad.events == ()
    assert bad.parked is not None


@pytest.mark.parametrize("body", [b"{", {"id": "user_1"}, [7], 7])
def test_what_is_no_cloudevent_is_parked(body: Any) -> None:
    (intake,) = read(body)

    assert intake.parked.reason == "malformed"


def test_the_senders_proof_is_checked_where_that_is_wanted() -> None:
    (believed,) = read(EVENT, {"authorization": "Bearer token"}, verify=True)
    (forged,) = read(EVENT, {"authorization": "Bearer other"}, verify=True)

    assert list(believed.events) == [BY_HTTP]
    assert forged.parked.reason == "rejected: no_match"


@pytest.mark.parametrize("body", [EVENT, [EVENT]])
def test_what_was_kept_can_be_read_again_without_its_headers(body: Any) -> None:
    (intake,) = read(body)

    assert list(SOURCE.parse(Delivery(intake.raw))) == [BY_HTTP]


def test_a_binary_event_that_was_kept_can_be_read_again_without_its_headers() -> None:
    headers = {f"ce_{name}": value for name, value in ATTRIBUTES.items()}

    (intake,) = read(DATA, headers)

    assert list(SOURCE.parse(Delivery(intake.raw))) == [BY_HTTP]
