"""One sandbox for all tests here, emptied before each."""

from __future__ import annotations

from pathlib import Path

import pytest
from unkey_sync.sandbox.seed import Seed, read_seed
from unkey_sync.testing import UnkeySandbox, unkey_sandbox, unkey_sandbox_server  # noqa: F401 - fixtures

from tests.sandbox.client import Unkey

SEED = Path(__file__).parent / "data" / "conformance.seed.toml"


@pytest.fixture(scope="session")
def unkey_sandbox_seed() -> Seed:
    return read_seed(SEED)


@pytest.fixture
def unkey(unkey_sandbox: UnkeySandbox) -> Unkey:  # noqa: F811
    return Unkey(unkey_sandbox)
