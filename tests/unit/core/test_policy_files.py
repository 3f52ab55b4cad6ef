"""The committed policies, schema and reference stay true."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.configfile import load_document
from unkey_sync.policy import Policy, export_schema, lint, read_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "config" / "unkey-sync.example.toml"
FILES = [EXAMPLE, *sorted((ROOT / "config" / "policies").glob("*.toml"))]


def keys_of(schema: dict[str, Any]) -> Iterator[str]:
    for name, shape in schema.get("properties", {}).items():
        yield name
        yield from keys_of(shape)
    for definition in schema.get("$defs", {}).values():
        yield from keys_of(definition)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_committed_policy_is_valid_and_without_warnings(path) -> None:
    policy = read_policy(load_document(path))

    assert policy.default_plan
    assert lint(policy, {"clerk", "stripe", "polar"}) == ()


def test_the_example_shows_every_section() -> None:
    document = load_document(EXAMPLE)

    assert set(Policy.model_fields) <= document.data.keys()


def test_the_committed_schema_is_the_generated_one() -> None:
    committed = (ROOT / "config" / "unkey-sync.schema.json").read_text()

    assert json.loads(committed) == export_schema()


def test_the_schema_says_durations_as_the_file_does() -> None:
    lifecycle = export_schema()["$defs"]["PastDue"]["properties"]["grace"]

    assert (lifecycle["type"], lifecycle["default"]) == ("string", "7d")


def test_the_reference_mentions_every_key() -> None:
    reference = (ROOT / "docs" / "policy.md").read_text()
    mentioned = set(re.findall(r"`([a-z_.]+)`", reference))
    words = {part for name in mentioned for part in name.split(".")}

    assert set(keys_of(export_schema())) - words == set()


def test_every_block_of_toml_in_the_reference_is_a_valid_policy(tmp_path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "policy.md").read_text(), re.DOTALL)

    for number, block in enumerate(blocks):
        path = tmp_path / f"{number}.toml"
        path.write_text(block)
        read_policy(load_document(path))

    assert len(blocks) >= 3
