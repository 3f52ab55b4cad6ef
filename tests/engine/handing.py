"""A house with a key slot, and what tests of hand-over ask it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.configfile import parse_document
from unkey_sync.handover.reveal import NotRevealed, Revealed, Wanted, reveal
from unkey_sync.handover.slots import turn
from unkey_sync.handover.upkeep import Upkeep
from unkey_sync.model import Slot
from unkey_sync.policy import read_policy
from unkey_sync.seal import Sealer

from tests import makers
from tests.house import API_ID, House

if TYPE_CHECKING:
    from unkey_sync.handover.slots import Decide
    from unkey_sync.ledger.key_rows import HandoverRow
    from unkey_sync.ledger.store import Ledger

SLOT = Slot("default")
SEALER = Sealer([b"k" * 32])
SECRET = f"whsec_{base64.b64encode(b's' * 32).decode()}"


def make_house(ledger: Ledger, keys: str = 'deliver = "vault"', handover: str = "") -> House:
    text = f'[subjects]\nowner = "organization"\n[[keys]]\nslot = "default"\n{keys}\n[handover]\n{handover}\n'
    house = House(ledger, read_policy(parse_document(text.encode(), "test.toml")))
    house.accept(makers.organization())
    house.settle()
    return house


def show(house: House, sealer: Sealer = SEALER) -> Revealed:
    with house.ledger.transaction() as tx:
        return reveal(tx, sealer, Wanted("org_1"), house.clock.now())


def refusal(house: House) -> str:
    with pytest.raises(NotRevealed) as refused:
        show(house)
    return refused.value.code


def decide(house: House, decision: Decide) -> bool:
    house.clock.advance(1)
    with house.ledger.transaction() as tx:
        return turn(tx, "org_1", SLOT, decision, house.clock.now())


def verdicts(house: House, *keys: str) -> list[str]:
    return [house.call("keys.verifyKey", {"key": key})["data"]["code"] for key in keys]


def usable(house: House) -> list[dict[str, Any]]:
    listed = house.call("apis.listKeys", {"apiId": API_ID, "externalId": "org_1"})["data"]
    return [key for key in listed if key["enabled"]]


def rows(house: House) -> list[HandoverRow]:
    with house.ledger.transaction() as tx:
        return tx.keys.handovers_of("org_1")


def look_after(house: House) -> int:
    changed = Upkeep(house.ledger, house.policy, house.clock).run_once()
    house.settle()
    return changed
