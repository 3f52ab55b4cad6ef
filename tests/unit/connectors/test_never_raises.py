"""Whatever a holder of the secret signs, and whatever a stranger sends: three exceptions, no others, and no secrets."""

from __future__ import annotations

from contextlib import suppress
from time import process_time
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unkey_sync_connectors.base import Delivery, Malformed, Rejected, Unusable
from unkey_sync_connectors.event import Event, EventOp, Kind

from tests.unit.connectors.support import NOW, SECRET, clerk, signed, stripe
from tests.unit.connectors.test_payload import BOMBS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync_connectors.base import Connector

CONNECTORS: list[Connector] = [clerk(), stripe(orders=True)]
SAMPLES = [(connector, payload) for connector in CONNECTORS for payload in connector.samples().values()]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
HEADER_NAMES = st.sampled_from(
    ["svix-id", "svix-timestamp", "svix-signature", "webhook-signature", "stripe-signature", "x-other"]
)


def understood(connector: Connector, body: bytes) -> list[Event]:
    """The events of a signed body; none when it is refused in one of the two ways there are."""
    delivery = signed(connector, body)
    connector.verify(delivery, NOW)
    with suppress(Malformed, Unusable):
        return list(connector.parse(delivery))
    return []


def check(events: list[Event]) -> None:
    """What every event promises, whatever it was made from."""
    for event in events:
        assert (event.entity is None) == (event.op is EventOp.IGNORE)
        assert bool(event.body) == (event.op is EventOp.UPSERT)
        assert event.version >= 0
        assert 0 < len(event.delivery_id) <= 255
        assert "\0" not in repr(orjson.dumps(event.body))
        if event.entity is not None and event.entity.kind is Kind.MEMBERSHIP:
            assert event.owner is not None
            assert event.member is not None


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.kind)
@given(body=st.binary(max_size=300))
def test_no_signed_bytes_raise_anything_else(connector: Connector, body: bytes):
    check(understood(connector, body))


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.kind)
@given(payload=st.dictionaries(TEXTS | st.sampled_from(["id", "type", "object", "data", "created"]), JSON))
def test_no_signed_object_raises_anything_else(connector: Connector, payload: dict[str, Any]):
    check(understood(connector, orjson.dumps(payload)))


@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 10_000), JSON), min_size=1, max_size=4))
def test_no_event_with_fields_replaced_by_anything_raises_anything_else(
    made: tuple[Connector, Mapping[str, Any]], changes: list[tuple[int, Any]]
):
    connector, payload = made
    broken = orjson.loads(orjson.dumps(payload))
    for number, value in changes:
        places = list(_places(broken))
        container, key = places[number % len(places)]
        container[key] = value

    check(understood(connector, orjson.dumps(broken)))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON value, outermost first."""
    here: list[tuple[Any, Any]]
    if isinstance(value, dict):
        here = [(value, key) for key in value]
    elif isinstance(value, list):
        here = [(value, number) for number in range(len(value))]
    else:
        return []
    return here + [place for container, key in here for place in _places(container[key])]


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.kind)
@given(
    body=st.binary(max_size=50),
    headers=st.dictionaries(
        HEADER_NAMES, st.text(max_size=60) | st.sampled_from(["1767225600", "v1,", "t=1,v1=x"])
    ),
    now=st.integers(0, 2**62),
)
def test_no_headers_raise_anything_but_rejected(
    connector: Connector, body: bytes, headers: dict[str, str], now: int
):
    with pytest.raises(Rejected) as caught:
        connector.verify(Delivery(body, headers), now)

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.kind)
@pytest.mark.parametrize("name", [name for name in BOMBS if "10 MB" not in name and "1 M " not in name])
def test_a_correctly_signed_bomb_costs_at_most_50_ms_from_signature_to_verdict(
    connector: Connector, name: str
):
    delivery = signed(connector, BOMBS[name])

    spent = min(_seconds(connector, delivery) for _ in range(3))

    assert spent <= 0.050


def _seconds(connector: Connector, delivery: Delivery) -> float:
    began = process_time()
    connector.verify(delivery, NOW)
    try:
        connector.parse(delivery)
    except (Malformed, Unusable):
        return process_time() - began
    return process_time() - began


def test_deliveries_configuration_and_answers_keep_their_contents_out_of_reprs():
    connector = clerk()
    delivery = signed(connector, b'{"email":"ada@example.com"}')

    for shown in (delivery, connector.config, connector):
        assert SECRET not in repr(shown)
        assert "ada@example.com" not in repr(shown)
