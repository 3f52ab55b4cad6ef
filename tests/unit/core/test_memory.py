"""What a process keeps is frozen while it works, and given back to the collector at the end."""

from __future__ import annotations

import gc

from unkey_sync.memory import kept


def test_what_exists_is_frozen_and_thawed_at_the_end() -> None:
    before = gc.get_freeze_count()
    cycle: list[object] = []
    cycle.append(cycle)

    with kept():
        frozen = gc.get_freeze_count()
        seen = any(one is cycle for one in gc.get_objects())

    assert frozen > before
    assert not seen
    assert gc.get_freeze_count() == 0


def test_what_comes_later_is_collected_as_ever() -> None:
    with kept():
        gc.collect()
        cycle: list[object] = []
        cycle.append(cycle)
        del cycle

        assert gc.collect() >= 1
