"""The native connectors: whatever is signed, whatever a stranger sends, three exceptions and no others."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unkey_sync_connectors.base import Delivery, Malformed, Rejected, Unusable
from unkey_sync_connectors.event import Event, EventOp, Kind

from tests.unit.connectors.natives import KINDS, SECRETS, native
from tests.unit.connectors.support import NOW, signed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync_connectors.base import Connector

SAMPLES = [
    (native(kind, orders=True), payload) for kind in KINDS for payload in native(kind).samples().values()
]
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
KEYS = st.sampled_from(
    ["id", "type", "event", "event_type", "webhook_type", "data", "record", "metadata", "time", "timestamp"]
)
HEADER_NAMES = st.sampled_from(
    [
        "workos-signature",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "paddle-signature",
        "authorization",
        "x-lago-signature",
        "x-webhook-secret",
        "x-keycloak-signature",
    ]
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
    assert len({(event.delivery_id, event.entity) for event in events}) == len(events)
    for event in events:
        assert (event.entity is None) == (event.op is EventOp.IGNORE)
        assert bool(event.body) == (event.op is EventOp.UPSERT)
        assert event.version >= 0
        assert 0 < len(event.delivery_id) <= 255
        if event.entity is not None and event.entity.kind is Kind.MEMBERSHIP:
            assert event.owner is not None
            assert event.member is not None


@pytest.mark.parametrize("kind", KINDS)
@given(body=st.binary(max_size=300))
def test_no_signed_bytes_raise_anything_else(kind: str, body: bytes):
    check(understood(native(kind, orders=True), body))


@pytest.mark.parametrize("kind", KINDS)
@given(payload=st.dictionaries(TEXTS | KEYS, JSON))
def test_no_signed_object_raises_anything_else(kind: str, payload: dict[str, Any]):
    check(understood(native(kind, orders=True), orjson.dumps(payload)))


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


@pytest.mark.parametrize("kind", KINDS)
@given(
    body=st.binary(max_size=50),
    headers=st.dictionaries(
        HEADER_NAMES, st.text(max_size=60) | st.sampled_from(["Bearer a.b.c", "a.b.c", "v1,", "t=1,v1=x"])
    ),
    now=st.integers(0, 2**62),
)
def test_no_headers_raise_anything_but_rejected(kind: str, body: bytes, headers: dict[str, str], now: int):
    connector = native(kind)

    with pytest.raises(Rejected) as caught:
        connector.verify(Delivery(body, headers), now)

    assert SECRETS[kind] not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_secret_everything_is_rejected(kind: str):
    signed_elsewhere = signed(native(kind), b"{}")

    with pytest.raises(Rejected, match="no_secret"):
        native(kind, secrets=()).verify(signed_elsewhere, NOW)


@pytest.mark.parametrize("kind", KINDS)
def test_any_of_several_secrets_is_enough_and_another_is_not(kind: str):
    delivery = signed(native(kind), b"{}")

    native(kind, secrets=("another-one", SECRETS[kind])).verify(delivery, NOW)
    with pytest.raises(Rejected, match="no_match"):
        native(kind, secrets=("another-one", "and-another")).verify(delivery, NOW)


@pytest.mark.parametrize("kind", KINDS)
def test_connectors_keep_secrets_out_of_reprs(kind: str):
    connector = native(kind)

    assert SECRETS[kind] not in repr([connector, connector.config, vars(connector)])


@pytest.mark.parametrize("kind", ["workos", "polar", "paddle", "auth0", "lago", "keycloak"])
def test_most_senders_are_answered_with_a_plain_200(kind: str):
    answer = native(kind).answer()

    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"{}", "application/json")
