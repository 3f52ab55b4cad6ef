"""A ledger that costs no disk: thousands of histories are told in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from unkey_sync.ledger.store import Ledger
from unkey_sync.ledger.tables import metadata

from tests.conftest import empty

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def _memory() -> Iterator[Ledger]:
    ledger = Ledger("sqlite://")
    ledger.engine.dispose()
    ledger.engine = sa.create_engine(
        "sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False}
    )
    metadata.create_all(ledger.engine)
    yield ledger
    ledger.close()


@pytest.fixture
def memory(_memory: Ledger) -> Ledger:
    """Empty."""
    empty(_memory)
    return _memory
