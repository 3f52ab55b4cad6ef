"""The native connectors' samples: each signed, read, and compared with the events written beside it.

After a deliberate change run this file with UNKEY_SYNC_UPDATE_EXPECTED=1, then read the diff.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import orjson
import pytest

from tests.unit.connectors.natives import KINDS, SECRETS, native
from tests.unit.connectors.support import read

EXPECTED = Path(__file__).parents[2] / "data"
CASES = [(kind, event_type) for kind in KINDS for event_type in native(kind).samples()]
ID_IN_HEADER = frozenset({"polar", "lago"})


@pytest.mark.parametrize(("kind", "event_type"), CASES)
def test_a_sample_becomes_exactly_the_events_written_beside_it(kind: str, event_type: str):
    connector = native(kind, orders=True)
    file = EXPECTED / kind / f"{event_type}.json"

    said = [_shown(asdict(event), kind) for event in read(connector, connector.samples()[event_type])]
    if "UNKEY_SYNC_UPDATE_EXPECTED" in os.environ:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n")

    assert said == orjson.loads(file.read_bytes())


def _shown(event: dict[str, object], kind: str) -> dict[str, object]:
    """Some vendors' delivery ids are in a header that belongs to the attempt, not to the payload."""
    return {**event, "delivery_id": "(header)"} if kind in ID_IN_HEADER else event


@pytest.mark.parametrize("kind", KINDS)
def test_every_expectation_has_its_sample(kind: str):
    expected = {file.name.removesuffix(".json") for file in (EXPECTED / kind).iterdir()}

    assert expected == set(native(kind).samples())


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_about_made_up_people_only(kind: str):
    text = orjson.dumps(dict(native(kind).samples())).decode()

    assert "@example.com" in text
    assert text.count("@") == text.count("@example.com")


@pytest.mark.parametrize(("kind", "event_type"), CASES)
def test_no_name_no_address_and_no_secret_column_is_kept(kind: str, event_type: str):
    connector = native(kind, orders=True)

    shown = repr(read(connector, connector.samples()[event_type]))

    for word in ("example.com", "Ada", "Grace", "Acme Example", "madeUpHash", "made-up-", SECRETS[kind]):
        assert word not in shown.replace("acme-example.okta.com", "")
