"""A database whose commits a power failure can undo is named, whoever weakened it."""

from __future__ import annotations

import sqlalchemy as sa
from unkey_sync.ledger.durability import find_weaknesses
from unkey_sync.ledger.store import Ledger


def test_our_own_connections_commit_durably(ledger: Ledger) -> None:
    assert find_weaknesses(ledger.engine) == {}


def test_a_session_that_does_not_wait_for_the_disk_is_named(postgresql: str) -> None:
    ledger = Ledger(postgresql)
    sa.event.listen(
        ledger.engine, "connect", lambda connection, _: connection.execute("SET synchronous_commit = off")
    )

    found = find_weaknesses(ledger.engine)

    ledger.close()
    assert list(found) == ["synchronous_commit = off"]
    assert "ALTER SYSTEM" in found["synchronous_commit = off"]


def test_a_file_that_does_not_wait_for_the_disk_is_named() -> None:
    ledger = Ledger("sqlite://")
    sa.event.listen(
        ledger.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF")
    )

    found = find_weaknesses(ledger.engine)

    ledger.close()
    assert found == {"PRAGMA synchronous = 0": "set it to FULL"}
