"""Order and repetition change nothing: whatever a native source's payloads say, and when, ends in the same facts.

Payloads are samples with all their instants moved, so that versions meet, overtake each other and tie.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unkey_sync_connectors.event import EventOp

from tests.unit.connectors.natives import KINDS, native
from tests.unit.connectors.support import clerk, read, stripe
from tests.unit.connectors.test_natives_order import known_after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync_connectors.base import Connector
    from unkey_sync_connectors.event import Event

CONNECTORS: dict[str, Connector] = {
    **{kind: native(kind, orders=True) for kind in KINDS},
    "clerk": clerk(),
    "stripe": stripe(orders=True),
}
IDS = ("id", "uid", "snapshot_event", "event_id", "notification_id", "metadata.uuid", "data.events.0.uuid")
"""Where vendors name a delivery. Elsewhere it is in a header, which follows the body here."""
MOVES_S = (-60, -1, 0, 1, 60)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")


def moved(value: Any, seconds: int) -> Any:
    """JSON with every instant in it so much later."""
    if isinstance(value, dict):
        return {name: moved(one, seconds) for name, one in value.items()}
    if isinstance(value, list):
        return [moved(one, seconds) for one in value]
    if isinstance(value, str) and _INSTANT.match(value):
        head, tail = value[:19], value[19:]
        return (datetime.fromisoformat(head) + timedelta(seconds=seconds)).isoformat() + tail
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1_000_000_000:
        return value + seconds * 10 ** (len(str(value)) - 10)
    return value


def rename(payload: Any, path: str, suffix: str) -> None:
    """Another delivery's id in the place of this one's, where there is one."""
    *way, last = path.split(".")
    for step in way:
        payload = payload[int(step)] if isinstance(payload, list) else payload.get(step)
        if not isinstance(payload, dict | list):
            return
    if isinstance(payload, dict) and isinstance(payload.get(last), str):
        payload[last] += suffix


@cache
def told(kind: str, event_type: str, seconds: int) -> tuple[Event, ...]:
    """What a sample says that was sent so much later."""
    connector = CONNECTORS[kind]
    payload = moved(orjson.loads(orjson.dumps(connector.samples()[event_type])), seconds)
    if seconds:
        payload["moved"] = seconds  # another body, even where it holds no instant
        for path in IDS:
            rename(payload, path, f"{seconds:+}")
    return tuple(read(connector, payload))


def telling(kind: str) -> list[str]:
    """The event types that say anything."""
    types = sorted(CONNECTORS[kind].samples())
    return [name for name in types if any(one.op is not EventOp.IGNORE for one in told(kind, name, 0))]


def deliveries(kind: str) -> st.SearchStrategy[list[tuple[Event, ...]]]:
    one = st.builds(told, st.just(kind), st.sampled_from(telling(kind)), st.sampled_from(MOVES_S))
    return st.lists(one, min_size=1, max_size=4)


@pytest.mark.parametrize("kind", sorted(CONNECTORS))
@settings(max_examples=60)
@given(data=st.data())
def test_every_permutation_with_repetitions_ends_in_the_same_facts(kind: str, data: st.DataObject) -> None:
    said = data.draw(deliveries(kind))
    again = data.draw(st.lists(st.sampled_from(said), max_size=3))
    expected = known_after(said)

    for order in permutations(said):
        assert known_after([*order, *again]) == expected
        assert known_after([*again, *order]) == expected


@pytest.mark.parametrize("kind", sorted(CONNECTORS))
@settings(max_examples=30)
@given(data=st.data())
def test_a_whole_history_in_any_order_ends_in_the_same_facts(kind: str, data: st.DataObject) -> None:
    history: list[Sequence[Event]] = [
        told(kind, name, seconds) for name in telling(kind) for seconds in MOVES_S
    ]
    shuffled = data.draw(st.permutations(history))

    assert known_after(shuffled) == known_after(history)


@pytest.mark.parametrize("kind", sorted(CONNECTORS))
def test_a_payload_that_is_moved_is_another_delivery_of_another_version(kind: str) -> None:
    """Else the properties above would compare nothing with nothing."""
    for name in telling(kind):
        first, later = told(kind, name, 0), told(kind, name, 60)

        assert {one.delivery_id for one in first}.isdisjoint(one.delivery_id for one in later)
        assert {one.entity for one in first} == {one.entity for one in later}
        if kind != "lago":  # its objects carry no version that can be moved
            assert all(b.version == a.version + 60_000_000 for a, b in zip(first, later, strict=True))
