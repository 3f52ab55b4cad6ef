"""The samples: each event type that matters, signed, read, and compared with the event written beside it.

After a deliberate change run this file with UNKEY_SYNC_UPDATE_EXPECTED=1, then read the diff.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from unkey_sync_connectors.samples import load_samples

from tests.unit.connectors.support import clerk, read, stripe

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Connector

EXPECTED = Path(__file__).parents[2] / "data"
CONNECTORS = {connector.kind: connector for connector in (clerk(), stripe(orders=True))}
CASES = [(kind, event_type) for kind, connector in CONNECTORS.items() for event_type in connector.samples()]


@pytest.mark.parametrize(("kind", "event_type"), CASES)
def test_a_sample_becomes_exactly_the_event_written_beside_it(kind: str, event_type: str):
    connector: Connector = CONNECTORS[kind]
    file = EXPECTED / kind / f"{event_type}.json"

    said = [_shown(asdict(event), kind) for event in read(connector, connector.samples()[event_type])]
    if "UNKEY_SYNC_UPDATE_EXPECTED" in os.environ:
        file.write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n")

    assert said == orjson.loads(file.read_bytes())


def _shown(event: dict[str, object], kind: str) -> dict[str, object]:
    """Clerk's delivery id is in a header that belongs to the attempt, not to the payload."""
    return {**event, "delivery_id": "(header)"} if kind == "clerk" else event


@pytest.mark.parametrize("kind", CONNECTORS)
def test_every_expectation_has_its_sample(kind: str):
    expected = {file.name.removesuffix(".json") for file in (EXPECTED / kind).iterdir()}

    assert expected == set(CONNECTORS[kind].samples())


@pytest.mark.parametrize(("kind", "event_type"), CASES)
def test_a_sample_is_filed_under_its_own_type(kind: str, event_type: str):
    assert CONNECTORS[kind].samples()[event_type]["type"] == event_type


def test_samples_are_about_made_up_people_only():
    for connector in CONNECTORS.values():
        text = orjson.dumps(dict(connector.samples())).decode()

        assert "@example.com" in text
        assert text.count("@") == text.count("@example.com")


def test_a_kind_without_samples_has_none():
    assert load_samples("nothing") == {}
