"""What turning a slot means, whatever state it is in."""

from __future__ import annotations

import pytest
from unkey_sync.handover.reveal import NotRevealed, choose
from unkey_sync.handover.slots import to_revoked, to_rotated, to_without_older
from unkey_sync.ledger.key_rows import DELIVERED, EXPIRED, HELD, READY, HandoverRow
from unkey_sync.model import AT_ONCE, REVOKED, Observed, ObservedKey, Rotation, Slot

SLOT = Slot("default")
LATER = 1_000_000


def key(generation: int) -> ObservedKey:
    return ObservedKey(key_id=f"key_{generation}", enabled=True, slot=SLOT, generation=generation)


def observed(*keys: ObservedKey, rotation: Rotation | None = None) -> Observed:
    return Observed(keys=keys, rotations=(rotation,) if rotation else ())


def test_a_key_in_use_is_replaced_by_the_next_generation() -> None:
    assert to_rotated(observed(key(1)), SLOT, LATER) == Rotation(SLOT, 2, LATER)


def test_a_slot_whose_first_key_is_not_made_yet_is_not_rotated() -> None:
    assert to_rotated(observed(), SLOT, LATER) is None


def test_a_rotation_under_way_is_not_begun_again() -> None:
    under_way = observed(key(1), rotation=Rotation(SLOT, 2, LATER))

    assert to_rotated(under_way, SLOT, LATER + 1) is None


def test_a_leak_makes_a_rotation_under_way_more_urgent() -> None:
    under_way = observed(key(1), rotation=Rotation(SLOT, 2, LATER))

    assert to_rotated(under_way, SLOT, AT_ONCE) == Rotation(SLOT, 2, AT_ONCE)


def test_a_revoked_slot_is_filled_again_and_its_old_key_stays_ended() -> None:
    revoked = observed(key(1), rotation=Rotation(SLOT, 2, REVOKED))

    assert to_rotated(revoked, SLOT, LATER) == Rotation(SLOT, 2, AT_ONCE)


def test_revoking_twice_is_revoking_once() -> None:
    assert to_revoked(observed(key(1)), SLOT) == Rotation(SLOT, 2, REVOKED)
    assert to_revoked(observed(key(1), rotation=Rotation(SLOT, 2, REVOKED)), SLOT) is None


def test_older_keys_can_be_ended_without_the_newest() -> None:
    turned = observed(key(1), key(2), rotation=Rotation(SLOT, 2, LATER))

    assert to_without_older(turned, SLOT) == Rotation(SLOT, 2, AT_ONCE)
    assert to_without_older(observed(key(1)), SLOT) is None


def row(state: str, slot: str = "default", mode: str = "vault") -> HandoverRow:
    return HandoverRow(
        id="hov_1",
        subject="org_1",
        slot=slot,
        member="",
        key_id="key_1",
        mode=mode,
        state=state,
        sealed=None,
        created_at=0,
    )


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "no_key"),
        ([row(DELIVERED)], "already_fetched"),
        ([row(EXPIRED)], "expired"),
        ([row(HELD)], "not_ready"),
        ([row(HELD), row(DELIVERED)], "not_ready"),
        ([row(READY, mode="webhook")], "not_in_vault"),
        ([row(READY), row(READY, slot="other")], "several_keys"),
    ],
)
def test_what_cannot_be_read_says_why(rows: list[HandoverRow], code: str) -> None:
    with pytest.raises(NotRevealed) as refused:
        choose(rows)

    assert refused.value.code == code


def test_the_newest_of_a_slot_is_read() -> None:
    assert choose([row(READY), row(DELIVERED)]).state == READY
