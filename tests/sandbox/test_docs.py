"""What docs/sandbox.md says exists, exists; and nothing is missing from it."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

from unkey_sync.sandbox.faults import Kind, Rule, rule_of
from unkey_sync.sandbox.seed import ApiSeed, MigrationSeed, RootKeySeed, Seed, WorkspaceSeed
from unkey_sync.testing import UnkeySandbox

DOCS = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[a-z_]+", DOCS))


def test_every_kind_and_field_of_a_fault_is_documented():
    assert {kind.value for kind in Kind} <= WORDS
    assert {field.name for field in fields(Rule)} - {"kind"} <= WORDS


def test_every_field_of_the_seed_is_documented():
    seeds = (WorkspaceSeed, RootKeySeed, ApiSeed, MigrationSeed)

    named = {name for seed in seeds for name in seed.model_fields} | {"replica_lag_s", "nodes", "fault_seed"}

    assert named <= WORDS
    assert all(
        f"[[{table}]]" in DOCS for table in ("workspaces", "root_keys", "apis", "migrations", "faults")
    )
    assert set(Seed.model_fields) == {
        "workspaces", "root_keys", "apis", "migrations", "faults", "fault_seed", "replica_lag_s", "nodes",
    }  # fmt: skip


def test_every_method_of_the_fixture_is_documented():
    public = {name for name in vars(UnkeySandbox) if not name.startswith("_")}

    assert public <= WORDS


def test_the_rule_shown_is_a_rule():
    examples = [json.loads(block) for block in re.findall(r"```json\n(\{\"kind.*?)\n```", DOCS)]

    assert [rule_of(example).status for example in examples] == [503]
