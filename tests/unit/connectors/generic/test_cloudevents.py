"""CloudEvents: the three modes of HTTP say the same; what is no CloudEvent is refused whole."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from unkey_sync_connectors.base import Delivery, Malformed, Unusable
from unkey_sync_connectors.event import EventOp

from tests.unit.connectors.generic.support import NOW, generic

EVENT = {
    "specversion": "1.0",
    "id": "evt-1",
    "source": "/accounts/example",
    "type": "user.created",
    "time": "2026-01-01T00:00:00Z",
    "datacontenttype": "application/json",
    "data": {"id": "user_1"},
}
BINARY = {
    "content-type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "evt-1",
    "ce-source": "/accounts/example",
    "ce-type": "user.created",
    "ce-time": "2026-01-01T00:00:00Z",
}
SOURCE = generic({"preset": "cloudevents"})


def structured(event: object) -> Delivery:
    return Delivery(orjson.dumps(event), {"content-type": "Application/CloudEvents+json; charset=utf-8"})


def batch(*events: object) -> Delivery:
    return Delivery(orjson.dumps(events), {"content-type": "application/cloudevents-batch+json"})


def binary(body: bytes = b'{"id":"user_1"}', **headers: str) -> Delivery:
    return Delivery(body, {**BINARY, **{f"ce-{name}": value for name, value in headers.items()}})


def test_all_modes_say_the_same():
    (one,) = SOURCE.parse(structured(EVENT))
    (two,) = SOURCE.parse(binary())
    (three,) = SOURCE.parse(batch(EVENT))

    assert one == two == three
    assert (one.delivery_id, one.type) == ("evt-1@/accounts/example", "user.created")


def test_a_batch_holds_several_events_each_with_its_own_name():
    found = SOURCE.parse(batch(EVENT, {**EVENT, "id": "evt-2", "data": {"id": "user_2"}}))

    assert [event.delivery_id for event in found] == ["evt-1@/accounts/example", "evt-2@/accounts/example"]


def test_an_empty_batch_is_nothing_and_no_mistake():
    (event,) = SOURCE.parse(batch())

    assert event.op is EventOp.IGNORE


def test_one_unusable_event_parks_its_whole_batch_under_a_name_of_its_own():
    with pytest.raises(Unusable, match=r"data.id is missing") as caught:
        SOURCE.parse(batch(EVENT, {**EVENT, "id": "evt-2", "data": {}}))

    assert str(caught.value.delivery_id).startswith("body:")


def test_data_in_base64_is_the_same_data():
    event = {**EVENT, "data_base64": base64.b64encode(b'{"id":"user_1"}').decode()}
    del event["data"]

    assert SOURCE.parse(structured(event)) == SOURCE.parse(structured(EVENT))


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/jsonx"])
def test_data_that_is_no_json_has_no_fields(content_type: str):
    delivery = Delivery(b"<user/>", {**BINARY, "content-type": content_type})

    with pytest.raises(Unusable, match="is missing"):
        SOURCE.parse(delivery)


def test_a_binary_event_may_have_no_body():
    (event,) = SOURCE.parse(binary(b"", type="order.paid"))

    assert event.op is EventOp.IGNORE


@pytest.mark.parametrize("content_type", ["application/vnd.acme+json", "text/json ; charset=utf-8"])
def test_every_kind_of_json_is_json(content_type: str):
    delivery = Delivery(b'{"id":"user_1"}', {**BINARY, "content-type": content_type})

    assert SOURCE.parse(delivery)[0].entity is not None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("%65vt", "evt"),
        ("%e2%82%ac", "€"),
        ('"quoted \\"id\\""', 'quoted "id"'),
        ("100%", "100%"),
    ],
)
def test_attributes_in_headers_are_decoded(written: str, meant: str):
    (event,) = SOURCE.parse(binary(id=written))

    assert event.delivery_id.partition("@")[0] == meant.replace("%", "%25")


@pytest.mark.parametrize("written", ["%C0%A0", "%FF", "caf\xe9", "%ED%A0%80"])
def test_attributes_that_are_no_utf_8_are_refused(written: str):
    with pytest.raises(Malformed):
        SOURCE.parse(binary(id=written))


@pytest.mark.parametrize("name", ["id", "source", "specversion", "type"])
@pytest.mark.parametrize("value", [None, "", 7, "a\0b"])
def test_every_required_attribute_is_required(name: str, value: Any):
    with pytest.raises(Malformed, match=name):
        SOURCE.parse(structured({**EVENT, name: value}))


@pytest.mark.parametrize(
    "delivery",
    [
        structured({**EVENT, "specversion": "0.3"}),
        structured([EVENT]),
        batch(EVENT, "text"),
        batch(EVENT, {}),
        batch(*[EVENT] * 1_001),
        Delivery(b"{}", {"content-type": "application/cloudevents-batch+json"}),
        structured({**EVENT, "data_base64": "no base64!"}),
        structured({**EVENT, "data_base64": 7}),
        binary(b"{"),
        Delivery(b"{}", {}),
    ],
)
def test_what_is_no_cloudevent_is_malformed(delivery: Delivery):
    with pytest.raises(Malformed):
        SOURCE.parse(delivery)


def test_an_event_without_a_time_is_parked_rather_than_put_in_a_guessed_order():
    event = {name: value for name, value in EVENT.items() if name != "time"}

    with pytest.raises(Unusable, match=r"neither version nor envelope.time"):
        SOURCE.parse(structured(event))


def test_source_and_id_together_name_an_event():
    pairs = [("a@b", "c"), ("a", "b@c"), ("a%40b", "c"), ("a", "x" * 300), ("a", "x" * 301)]

    names = {SOURCE.parse(structured({**EVENT, "id": i, "source": s}))[0].delivery_id for i, s in pairs}

    assert len(names) == len(pairs)
    assert all(len(name) <= 255 for name in names)


def test_an_id_of_ones_own_replaces_the_cloudevents_name():
    source = generic({"preset": "cloudevents", "envelope": {"format": "cloudevents", "id": "data.event"}})
    event = {**EVENT, "data": {"id": "user_1", "event": "own"}}

    assert source.parse(structured(event))[0].delivery_id == "own"


def test_what_is_signed_for_a_test_is_read_as_a_structured_event():
    body = orjson.dumps(EVENT)
    headers = SOURCE.sign(body, NOW)

    SOURCE.verify(Delivery(body, headers), NOW)

    assert SOURCE.parse(Delivery(body, headers)) == SOURCE.parse(structured(EVENT))


def test_what_is_kept_of_a_binary_event_says_the_same_without_its_headers():
    delivery = binary(b'{"id":"user_1"}', id='"quoted"', extension="%E2%82%AC")

    assert SOURCE.parse(Delivery(SOURCE.kept(delivery))) == SOURCE.parse(delivery)


@pytest.mark.parametrize(
    "delivery",
    [structured(EVENT), batch(EVENT), binary(id="%FF"), Delivery(b"{", BINARY)],
    ids=["structured", "batch", "bad attribute", "bad body"],
)
def test_everything_else_is_kept_as_it_came(delivery: Delivery):
    assert SOURCE.kept(delivery) is delivery.body


def test_a_binary_event_without_data_is_kept_without_data():
    kept = SOURCE.kept(binary(b"", type="order.paid"))

    assert SOURCE.parse(Delivery(kept))[0].op is EventOp.IGNORE


def test_attributes_that_only_look_like_data_are_not_kept():
    kept = SOURCE.kept(binary(data_base64="eyJpZCI6ICJvdGhlciJ9", data="x", datacontenttype="text/plain"))

    (event,) = SOURCE.parse(Delivery(kept))

    assert event.entity is not None
    assert event.entity.id == "user_1"
