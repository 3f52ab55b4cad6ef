"""Keys read once, and slots turned by hand, by age and by neglect: whole service, no sockets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from unkey_sync.clock import DAY
from unkey_sync.errors import Park
from unkey_sync.handover.slots import to_revoked, to_rotated, to_without_older
from unkey_sync.ledger.tables import metadata
from unkey_sync.model import AT_ONCE
from unkey_sync.seal import Sealer

from tests import makers
from tests.engine.handing import decide, look_after, make_house, refusal, rows, show, usable, verdicts

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

    from tests.house import House


@pytest.fixture
def house(ledger: Ledger) -> House:
    return make_house(ledger)


def test_a_key_is_read_once_and_its_secret_is_gone(house: House) -> None:
    found = show(house)

    assert verdicts(house, found.key.reveal()) == ["VALID"]
    assert refusal(house) == "already_fetched"
    assert [(row.state, row.sealed) for row in rows(house)] == [("delivered", None)]


def test_the_wrong_secret_key_is_an_error_and_loses_nothing(house: House) -> None:
    with pytest.raises(Park, match="UNKEY_SYNC_SECRET_KEY"):
        show(house, Sealer([b"x" * 32]))

    assert verdicts(house, show(house).key.reveal()) == ["VALID"]


def test_a_secret_moved_to_another_row_does_not_open(house: House) -> None:
    with house.ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE handovers SET id = 'hov_other'")

    with pytest.raises(Park, match="does not belong"):
        show(house)


def test_no_table_and_no_repr_holds_the_key_in_the_clear(house: House) -> None:
    waiting = everything(house) + repr(rows(house)).encode()
    found = show(house)
    plain = found.key.reveal().encode()

    assert plain not in waiting
    assert plain not in everything(house) + repr(found).encode()


def everything(house: House) -> bytes:
    with house.ledger.engine.begin() as connection:
        tables = [connection.execute(table.select()).all() for table in metadata.sorted_tables]
    values = [value for table in tables for row in table for value in row]
    return b" ".join(
        bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode() for one in values
    )


def test_after_a_leak_the_old_key_ends_before_the_new_one_is_made(house: House) -> None:
    old = show(house).key.reveal()
    house.transport.calls.clear()

    turned = decide(house, partial(to_rotated, overlap_until=AT_ONCE))
    house.settle()
    new = show(house).key.reveal()

    assert turned
    assert house.transport.mutations[:2] == ["keys.updateKey", "keys.createKey"]
    assert verdicts(house, old, new) == ["DISABLED", "VALID"]


def test_a_leaked_key_ends_even_if_no_new_one_can_be_made(house: House) -> None:
    old = show(house).key.reveal()

    def refuse(operation: str) -> None:
        if operation == "keys.createKey":
            raise Park("no")

    house.transport.before = refuse
    decide(house, partial(to_rotated, overlap_until=AT_ONCE))
    house.work()

    assert verdicts(house, old) == ["DISABLED"]


def test_a_revoked_slot_stays_empty_until_it_is_rotated(house: House) -> None:
    old = show(house).key.reveal()

    decide(house, to_revoked)
    house.settle()
    revoked = usable(house)
    house.accept(makers.organization(version=5 * makers.SECOND))
    house.settle()
    still = usable(house)
    decide(house, partial(to_rotated, overlap_until=AT_ONCE))
    house.settle()

    assert revoked == still == []
    assert verdicts(house, old, show(house).key.reveal()) == ["DISABLED", "VALID"]


def test_a_revoked_key_does_not_come_back_with_regained_access_or_a_later_rotation(house: House) -> None:
    old = show(house).key.reveal()
    decide(house, to_revoked)
    house.settle()
    decide(house, partial(to_rotated, overlap_until=AT_ONCE))
    house.settle()
    decide(house, partial(to_rotated, overlap_until=house.clock.now() + DAY))
    house.settle()

    house.accept(makers.organization(blocked="banned", version=5 * makers.SECOND))
    house.settle()
    house.accept(makers.organization(version=9 * makers.SECOND))
    house.settle()

    assert verdicts(house, old)[0] in ("DISABLED", "EXPIRED")
    assert verdicts(house, show(house).key.reveal()) == ["VALID"]


def test_revoking_while_access_is_suspended_holds_when_it_comes_back(house: House) -> None:
    old = show(house).key.reveal()
    house.accept(makers.organization(blocked="banned", version=5 * makers.SECOND))
    house.settle()

    decide(house, to_revoked)
    house.accept(makers.organization(version=9 * makers.SECOND))
    house.settle()

    assert usable(house) == []
    assert verdicts(house, old) == ["DISABLED"]


def test_an_older_key_can_be_ended_before_its_overlap_is_over(house: House) -> None:
    old = show(house).key.reveal()
    decide(house, partial(to_rotated, overlap_until=house.clock.now() + DAY))
    house.settle()
    new = show(house).key.reveal()

    decide(house, to_without_older)
    house.settle()

    assert verdicts(house, old, new) == ["DISABLED", "VALID"]


def test_what_was_not_read_before_a_rotation_cannot_be_read_after_it(house: House) -> None:
    decide(house, partial(to_rotated, overlap_until=house.clock.now() + DAY))
    between = refusal(house)
    house.settle()

    assert between == "expired"
    assert [(row.state, row.sealed is None) for row in rows(house)] == [("ready", False), ("expired", True)]


def test_turned_and_settled_nothing_is_left_to_do(house: House) -> None:
    decide(house, partial(to_rotated, overlap_until=AT_ONCE))
    house.settle()
    house.transport.calls.clear()

    with house.ledger.transaction() as tx:
        tx.subjects.mark_due({"org_1": 0})
    house.settle()

    assert house.transport.mutations == []


def test_the_secret_of_a_removed_subject_is_forgotten_with_it(house: House) -> None:
    house.accept(makers.deleted(makers.organization()))

    house.settle()

    assert [(row.state, row.sealed) for row in rows(house)] == [("expired", None)]


def test_a_key_that_nobody_reads_is_replaced_in_time(house: House) -> None:
    house.clock.advance(7 * 86_400 - 60)
    early = look_after(house)
    house.clock.advance(120)
    late = look_after(house)

    assert (early, late) == (0, 1)
    assert [row.state for row in rows(house)] == ["ready", "expired"]
    assert len(usable(house)) == 1
    assert verdicts(house, show(house).key.reveal()) == ["VALID"]


def test_a_key_that_nobody_reads_is_revoked_where_the_policy_says_so(ledger: Ledger) -> None:
    house = make_house(ledger, handover='expires = "1d"\nunfetched = "revoke"')

    house.clock.advance(86_401)
    look_after(house)

    assert usable(house) == []
    assert refusal(house) == "expired"


def test_a_key_that_nobody_reads_waits_on_where_the_policy_says_so(ledger: Ledger) -> None:
    house = make_house(ledger, handover='unfetched = "keep"')

    house.clock.advance(30 * 86_400)
    changed = look_after(house)

    assert changed == 0
    assert verdicts(house, show(house).key.reveal()) == ["VALID"]


def test_an_old_key_is_rotated_once_with_its_overlap(ledger: Ledger) -> None:
    house = make_house(ledger, keys='rotate_every = "90d"\noverlap = "24h"')
    old = show(house).key.reveal()

    house.clock.advance(90 * 86_400 + 1)
    changed = [look_after(house), look_after(house)]
    new = show(house).key.reveal()
    during = verdicts(house, old, new)
    house.clock.advance(86_500)

    assert changed == [1, 0]
    assert during == ["VALID", "VALID"]
    assert verdicts(house, old, new) == ["EXPIRED", "VALID"]
