"""A message that is not proven to come from its source is kept for a person to see, and never comes to life."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from unkey_sync.batch import Ownership
from unkey_sync.clock import FakeClock
from unkey_sync.consume.message import Message
from unkey_sync.consume.reading import Reader
from unkey_sync.inbox import Inbox
from unkey_sync.replay import replay
from unkey_sync.seal import Sealer
from unkey_sync_connectors.base import SourceConfig
from unkey_sync_connectors.clerk import Clerk
from unkey_sync_connectors.event import Kind

from tests.contract.consume import given

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger
    from unkey_sync.wiring import Runtime

SECRET = "whsec_dW5pdC10ZXN0LWtleS0wMTIzNDU2Nzg5YWJjZGVmISE="


def test_a_forged_message_is_parked_and_a_replay_does_not_believe_it(ledger: Ledger) -> None:
    clock, sealer = FakeClock(), Sealer([b"k" * 32])
    clerk = Clerk(SourceConfig(name="clerk", kind="clerk", secrets=(SECRET,)))
    inbox = Inbox(ledger, sealer, clock, Ownership(frozenset({Kind.USER}), ()))
    reader = Reader(source="clerk", connector=clerk, clock=clock, verify=True)
    runtime: Any = SimpleNamespace(
        ledger=ledger, sealer=sealer, inbox=inbox, clock=clock, connectors={"clerk": clerk}
    )

    inbox.accept(reader.read(Message(given.user_body(1), {"svix-id": "msg_1"})))
    with ledger.transaction() as tx:
        (row,) = tx.events.page(state="parked", source=None, limit=10)
    replayed = replay(cast("Runtime", runtime), row["id"])

    assert row["reason"] == "rejected: missing_header"
    assert replayed.outcome == "unusable"
    assert given.stored(ledger) == {"parked": 1}
