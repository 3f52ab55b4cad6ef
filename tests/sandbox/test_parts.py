"""The parts of the sandbox that are pure."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from unkey_sync.clock import SECOND, FakeClock
from unkey_sync.sandbox.clock import VirtualClock
from unkey_sync.sandbox.collation import fold, order_key
from unkey_sync.sandbox.ids import hash_secret, new_id, new_secret
from unkey_sync.sandbox.meta import as_stored, size_of
from unkey_sync.sandbox.rows import Identity
from unkey_sync.sandbox.state import State, Tx
from unkey_sync.sandbox.table import Duplicate, Table
from unkey_sync.sandbox.windows import Charge, Windows


@dataclass(frozen=True)
class Thing:
    id: str
    name: str
    group: str | None = "g"


def things() -> Table[Thing]:
    return Table(
        "things", Thing, unique={"name": lambda row: row.name}, groups={"group": lambda row: row.group}
    )


def test_ids_sort_digits_first_then_letters_with_lower_case_first():
    ids = ["id_b", "id_A", "id_a", "id_9", "id_B"]

    assert sorted(ids, key=order_key) == ["id_9", "id_a", "id_A", "id_b", "id_B"]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("Admin", "ÄDMIN", True),
        ("straße", "STRASSE", True),
        ("a ", "a", False),
        ("docs.read", "DOCS.READ", True),
    ],
)
def test_folding_forgets_case_and_accent_but_not_blanks(left: str, right: str, same: bool):
    assert (fold(left) == fold(right)) is same


def test_a_unique_index_refuses_and_changes_nothing():
    table = things()
    table.put(Thing("t1", "a"))

    with pytest.raises(Duplicate, match=r"things\.name"):
        table.put(Thing("t2", "a"))

    assert [row.id for row in table] == ["t1"]


def test_a_replaced_row_leaves_no_trace_in_the_indexes():
    table = things()
    table.put(Thing("t1", "a", "g"))

    table.put(Thing("t1", "b", "h"))

    assert table.find("name", "a") is None
    assert list(table.members("group", "g")) == []
    assert list(table.members("group", "h")) == [Thing("t1", "b", "h")]


def test_members_start_at_the_cursor_inclusively():
    table = things()
    for number in range(5):
        table.put(Thing(f"t{number}", f"n{number}"))

    assert [row.id for row in table.members("group", "g", "t3")] == ["t3", "t4"]


def test_a_rollback_undoes_everything_in_reverse():
    state = State()
    old = Identity(id="id_1", workspace="ws", external_id="u", meta={"v": 1})
    state.identities.put(old)
    tx = Tx(state)
    tx.put(state.identities, Identity(id="id_1", workspace="ws", external_id="u", meta={"v": 2}))
    tx.delete(state.identities, "id_1")
    tx.put(state.identities, Identity(id="id_2", workspace="ws", external_id="u"))

    tx.rollback()

    assert list(state.identities) == [old]
    assert state.identities.find("external_id", ("ws", "u")) == old


def test_the_window_before_counts_for_what_is_left_of_it():
    windows = Windows()
    windows.charge([Charge("c", 10, 60_000, cost=8)], now_ms=59_000)

    early = windows.charge([Charge("c", 10, 60_000, cost=0)], now_ms=60_000)[0]
    late = windows.charge([Charge("c", 10, 60_000, cost=0)], now_ms=105_000)[0]

    assert (early.remaining, late.remaining) == (2, 8)
    assert early.reset == 120_000


def test_a_failed_batch_gives_back_what_the_others_would_have_taken():
    windows = Windows()
    batch = [Charge("small", 1, 1000), Charge("large", 10, 1000)]
    windows.charge(batch, now_ms=0)

    verdicts = windows.charge(batch, now_ms=1)

    assert [(verdict.passed, verdict.remaining) for verdict in verdicts] == [(False, 0), (True, 9)]


@pytest.mark.parametrize(
    ("limit", "duration", "countable"), [(1, 1000, True), (0, 1000, False), (1, 999, False)]
)
def test_the_limiter_refuses_what_it_cannot_count(limit: int, duration: int, countable: bool):
    assert Charge("c", limit, duration).countable is countable


def test_a_virtual_clock_follows_its_base_shifted():
    base = FakeClock()
    clock = VirtualClock(base)
    before = clock.now_ms()

    clock.advance(5_000)
    base.advance(1)

    assert clock.now_ms() == before + 6_000


def test_a_stopped_clock_ignores_its_base_and_goes_on_without_a_jump():
    base = FakeClock(now=1_000 * SECOND)
    clock = VirtualClock(base)
    clock.freeze()
    base.advance(100)
    stopped = clock.now_ms()

    clock.run()

    assert (stopped, clock.now_ms()) == (1_000_000, 1_000_000)


def test_a_clock_never_goes_back():
    with pytest.raises(ValueError, match="forward"):
        VirtualClock(FakeClock()).advance(-1)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (2**53, 2**53),
        (2**53 + 1, 2**53),
        (-(2**53) - 1, -(2**53)),
        (1.0, 1),
        (1.5, 1.5),
        (1e21, 1e21),
        (True, True),
        ({"a": [2.0, None]}, {"a": [2, None]}),
    ],
)
def test_meta_is_stored_as_doubles(value: object, stored: object):
    result = as_stored(value)

    assert result == stored
    assert type(result) is type(stored)


@pytest.mark.parametrize(("text", "size"), [("abc", 11), ("<>&", 26), ("\u2028", 14), ("ü", 10)])
def test_the_size_of_meta_is_that_of_gos_json(text: str, size: int):
    assert size_of({"a": text}) == size


def test_names_are_made_as_unkey_makes_them():
    secret, start = new_secret("acme", 16)

    assert new_id("key").startswith("key_")
    assert len(new_id("key")) == len("key_") + 9
    assert secret.startswith(start)
    assert len(start) == len("acme_") + 4
    assert hash_secret("my_secret") == "H5IzoSEFfc7cC45tMvtgXSE3h545dO5lcKBwYpdYRdk="
