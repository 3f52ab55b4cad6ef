"""Fixtures of the generic connector's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="session")
def docs() -> str:
    """The reference page."""
    return (ROOT / "docs" / "sources" / "generic.md").read_text(encoding="utf-8")
