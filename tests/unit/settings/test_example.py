"""The committed example of the environment is what the settings say."""

from __future__ import annotations

from pathlib import Path

from unkey_sync.settings.example import example_env
from unkey_sync.settings.variables import ALL

COMMITTED = Path(__file__).parents[3] / "config" / "example.env"


def test_the_committed_example_is_up_to_date():
    assert COMMITTED.read_text(encoding="utf-8") == example_env(), (
        "run: unkey-sync config example > config/example.env"
    )


def test_the_example_names_every_variable():
    text = example_env()

    assert [variable.name for variable in ALL if f"\n# {variable.name}=" not in text] == []


def test_the_example_sets_nothing_by_itself():
    assert [line for line in example_env().splitlines() if line and not line.startswith("#")] == []
