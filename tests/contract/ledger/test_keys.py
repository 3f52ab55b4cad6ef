"""Slots are turned once and secrets leave once, on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unkey_sync.ledger.identity_rows import IdentityRow
from unkey_sync.ledger.key_rows import DELIVERED, EXPIRED, HELD, READY, HandoverRow
from unkey_sync.model import AT_ONCE, Observed, ObservedKey, Rotation, Slot

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

SLOT = Slot("default")
NOW, LATER = 1_000, 2_000


def waiting(number: int = 1, **changes: Any) -> HandoverRow:
    values: dict[str, Any] = {
        "id": f"hov_{number}",
        "subject": "org_1",
        "slot": "default",
        "member": "",
        "key_id": f"key_{number}",
        "mode": "webhook",
        "state": READY,
        "sealed": b"sealed",
        "created_at": number,
        "due_at": NOW,
    }
    return HandoverRow(**(values | changes))


def add(ledger: Ledger, *rows: HandoverRow) -> None:
    with ledger.transaction() as tx:
        tx.keys.add_handovers(rows)


def hold(ledger: Ledger, *keys: ObservedKey) -> None:
    observed = Observed(identity_id="id_1", keys=keys, keys_listed_at=1)
    row = IdentityRow(subject="org_1", external_id="org_1", created_at=1, observed=observed)
    with ledger.transaction() as tx:
        tx.identities.save([row])


def key(number: int = 1, generation: int = 1, *, enabled: bool = True) -> ObservedKey:
    return ObservedKey(key_id=f"key_{number}", enabled=enabled, slot=SLOT, generation=generation)


def states(ledger: Ledger) -> dict[str, str]:
    with ledger.transaction() as tx:
        return {row.id: row.state for row in tx.keys.handovers_of("org_1")}


def turn(ledger: Ledger, before: Rotation | None, after: Rotation) -> bool:
    with ledger.transaction() as tx:
        return tx.keys.turn("org_1", before, after)


def test_of_two_who_turn_a_slot_from_the_same_state_one_does(ledger: Ledger) -> None:
    second, third = Rotation(SLOT, 2, LATER), Rotation(SLOT, 3, AT_ONCE)

    first_time = [turn(ledger, None, second), turn(ledger, None, second)]
    second_time = [turn(ledger, second, third), turn(ledger, second, third)]

    with ledger.transaction() as tx:
        found = tx.keys.rotations_of(["org_1"])
    assert first_time == second_time == [True, False]
    assert found == {"org_1": (third,)}


def test_a_claimed_handover_is_nobody_elses_until_its_time_is_over(ledger: Ledger) -> None:
    add(ledger, waiting())

    with ledger.transaction() as tx:
        first = tx.keys.claim_messages(NOW, LATER, 10)
        second = tx.keys.claim_messages(NOW, LATER, 10)
        third = tx.keys.claim_messages(LATER, LATER + 1, 10)

    assert [row.attempts for row in first + third] == [1, 2]
    assert second == []


def test_only_what_is_ready_due_and_of_the_mode_is_claimed(ledger: Ledger) -> None:
    add(
        ledger,
        waiting(1, state=HELD, due_at=None),
        waiting(2, mode="vault"),
        waiting(3, due_at=LATER),
        waiting(4),
    )

    with ledger.transaction() as tx:
        found = tx.keys.claim_messages(NOW, LATER, 10)

    assert [row.id for row in found] == ["hov_4"]


def test_a_handover_is_finished_once_and_its_secret_goes(ledger: Ledger) -> None:
    add(ledger, waiting())

    with ledger.transaction() as tx:
        done = [tx.keys.finish_handover("hov_1", state, LATER) for state in (DELIVERED, EXPIRED)]
        row = tx.keys.handovers_of("org_1")[0]

    assert done == [True, False]
    assert (row.state, row.sealed, row.due_at, row.finished_at) == (DELIVERED, None, None, LATER)


def test_a_superseded_slot_has_nothing_waiting_and_others_do(ledger: Ledger) -> None:
    add(ledger, waiting(1), waiting(2, state=HELD), waiting(3, slot="other"), waiting(4, member="user_1"))

    with ledger.transaction() as tx:
        tx.keys.supersede("org_1", SLOT, NOW)

    assert states(ledger) == {"hov_1": EXPIRED, "hov_2": EXPIRED, "hov_3": READY, "hov_4": READY}


def test_what_waits_for_a_key_that_is_gone_is_dropped_in_time(ledger: Ledger) -> None:
    add(ledger, waiting(1), waiting(2), waiting(30))
    hold(ledger, key(1))

    with ledger.transaction() as tx:
        dropped = tx.keys.drop_pointless(10, NOW)

    assert dropped == 1
    assert states(ledger) == {"hov_1": READY, "hov_2": EXPIRED, "hov_30": READY}


def test_the_unfetched_are_those_that_still_wait_from_before(ledger: Ledger) -> None:
    add(ledger, waiting(1), waiting(2, state=DELIVERED), waiting(3, state=HELD), waiting(30))

    with ledger.transaction() as tx:
        found = tx.keys.unfetched(10, 100)

    assert [row.id for row in found] == ["hov_1", "hov_3"]


def test_only_the_newest_key_in_use_is_aged(ledger: Ledger) -> None:
    add(ledger, waiting(1, state=DELIVERED), waiting(2, state=DELIVERED), waiting(30, slot="other"))
    hold(ledger, key(1), key(2, generation=2))

    with ledger.transaction() as tx:
        before_any_turn = tx.keys.aged("default", 1, 10)
        tx.keys.turn("org_1", None, Rotation(SLOT, 2, LATER))
        young = tx.keys.aged("default", 1, 10)
        old = tx.keys.aged("default", 2, 10)
        other = tx.keys.aged("other", 2, 10)

    assert before_any_turn == old == [("org_1", SLOT)]
    assert young == other == []


def test_a_disabled_key_does_not_age(ledger: Ledger) -> None:
    add(ledger, waiting(1, state=DELIVERED))
    hold(ledger, key(1, enabled=False))

    with ledger.transaction() as tx:
        assert tx.keys.aged("default", NOW, 10) == []
