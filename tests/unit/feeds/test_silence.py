"""A source that has gone quiet is told from one that always was."""

from __future__ import annotations

import pytest
from unkey_sync.clock import SECOND
from unkey_sync.silence import Silence, compute_silence

MINUTE = 60 * SECOND
NOW = 1_000 * MINUTE


def every(gap: int, count: int = 50, *, last: int) -> list[int]:
    return [last - gap * number for number in range(count)]


def test_ten_times_the_usual_gap_is_silence() -> None:
    arrivals = every(3 * MINUTE, last=NOW - 31 * MINUTE)

    assert compute_silence(arrivals, NOW) == Silence(lasts=31 * MINUTE, usual=3 * MINUTE)


@pytest.mark.parametrize(
    "arrivals",
    [
        every(3 * MINUTE, last=NOW - 30 * MINUTE),
        every(SECOND, last=NOW - 15 * MINUTE),
        every(3 * MINUTE, 9, last=NOW - 500 * MINUTE),
        [],
    ],
    ids=["not long enough", "under a quarter of an hour", "too few to tell", "never"],
)
def test_what_is_usual_is_no_silence(arrivals: list[int]) -> None:
    assert compute_silence(arrivals, NOW) is None


def test_a_burst_does_not_make_a_slow_source_silent() -> None:
    burst = every(SECOND, 40, last=NOW - 60 * MINUTE)
    before = every(24 * 60 * MINUTE, 10, last=burst[-1])

    assert compute_silence([*burst, *before], NOW) is None
