"""What must hold of all keys at once, read from Unkey and the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unkey_sync import reports
from unkey_sync.audit import enabled_without_owner
from unkey_sync.model import Observed
from unkey_sync.seal import Sealer
from unkey_sync.unkey.budget import Priority

from tests.house import API_ID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unkey_sync.ledger.key_rows import HandoverRow
    from unkey_sync.model import Desired

    from tests.house import House


def unowned(house: House, subjects: Iterable[str]) -> tuple[str, ...]:
    """The standing check over everything that the API lists."""
    listing = list(house.client.at(Priority.SWEEP).apis.list_keys())
    return enabled_without_owner(listing, owners(house, subjects), house.clock.now())


def owners(house: House, subjects: Iterable[str]) -> dict[str, tuple[Desired, Observed]]:
    found = {}
    with house.ledger.transaction() as tx:
        for name in subjects:
            work = reports.find_work(tx, name)
            if work is not None:
                desired = house.planner.desired(work.state())
                observed = work.identity.observed if work.identity else Observed()
                found[desired.external_id] = (desired, observed)
    return found


def everything(house: House) -> list[dict[str, Any]]:
    """All keys of the API, as the customer's own code lists them."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = house.call("apis.listKeys", {"apiId": API_ID, "limit": 100, **cursor})
        found += answer["data"]
        if not answer["pagination"]["hasMore"]:
            return found
        cursor = {"cursor": answer["pagination"]["cursor"]}


def verdict(house: House, key: str) -> str:
    return str(house.call("keys.verifyKey", {"key": key})["data"]["code"])


def deliver(house: House, subject: str) -> list[str]:
    """Hand over every waiting secret of the subject, as `keys reveal` does; the plaintexts."""
    with house.ledger.transaction() as tx:
        waiting = [row for row in tx.keys.handovers_of(subject) if row.sealed is not None]
        now = house.clock.now()
        return [_open(row) for row in waiting if tx.keys.finish_handover(row.id, "delivered", now)]


def _open(row: HandoverRow) -> str:
    assert row.sealed is not None
    return Sealer([b"k" * 32]).open(row.sealed, row.id).decode()
