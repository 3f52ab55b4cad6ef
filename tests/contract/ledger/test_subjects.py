"""Claims, leases and fences, on every database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from unkey_sync.ledger.subject_rows import BACKFILL, LIVE, Claim, Release

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

NOW, LATER, MUCH_LATER = 1_000, 2_000, 9_000


def mark(ledger: Ledger, *subjects: str, priority: int = LIVE) -> None:
    with ledger.transaction() as tx:
        tx.subjects.mark_due(dict.fromkeys(subjects, priority))


def claim(ledger: Ledger, now: int = NOW, limit: int = 10, owner: str = "w1") -> list[Claim]:
    with ledger.transaction() as tx:
        return tx.subjects.claim(owner, now, now + 500, limit)


def release(ledger: Ledger, one: Claim, **changes: object) -> set[str]:
    values = {"subject": one.subject, "fence": one.fence, "generation": one.generation, "due_at": None}
    with ledger.transaction() as tx:
        return tx.subjects.release([Release(**{**values, **changes})])  # type: ignore[arg-type]


def test_a_claimed_subject_is_nobody_elses_until_its_lease_ends(ledger: Ledger) -> None:
    mark(ledger, "org_1")

    first = claim(ledger)
    second = claim(ledger, owner="w2")
    third = claim(ledger, now=LATER, owner="w2")

    assert [one.subject for one in first] == ["org_1"]
    assert second == []
    assert [one.subject for one in third] == ["org_1"]


def test_a_worker_that_lost_its_lease_cannot_record(ledger: Ledger) -> None:
    mark(ledger, "org_1")
    lost = claim(ledger)[0]
    held = claim(ledger, now=LATER, owner="w2")[0]

    assert release(ledger, lost) == set()
    assert release(ledger, held) == {"org_1"}


def test_the_next_holder_knows_that_the_last_one_died(ledger: Ledger) -> None:
    mark(ledger, "org_1")

    died = claim(ledger)[0]
    taken_over = claim(ledger, now=LATER)[0]
    release(ledger, taken_over)
    mark(ledger, "org_1")
    clean = claim(ledger, now=MUCH_LATER)[0]

    assert [died.uncertain, taken_over.uncertain, clean.uncertain] == [False, True, False]


def test_an_unknown_outcome_is_told_to_the_next_turn(ledger: Ledger) -> None:
    mark(ledger, "org_1")
    release(ledger, claim(ledger)[0], uncertain=True, due_at=LATER)

    assert claim(ledger, now=LATER)[0].uncertain


def test_news_during_a_turn_make_the_subject_due_again(ledger: Ledger) -> None:
    mark(ledger, "org_1")
    held = claim(ledger)[0]
    mark(ledger, "org_1")

    while_held = claim(ledger)
    release(ledger, held)
    afterwards = claim(ledger)

    assert while_held == []
    assert [one.subject for one in afterwards] == ["org_1"]


def test_a_subject_with_nothing_to_do_is_not_claimed(ledger: Ledger) -> None:
    mark(ledger, "org_1")
    release(ledger, claim(ledger)[0])

    assert claim(ledger, now=MUCH_LATER) == []


def test_a_timer_makes_a_subject_due(ledger: Ledger) -> None:
    mark(ledger, "org_1")
    release(ledger, claim(ledger)[0], due_at=LATER)

    assert claim(ledger, now=LATER - 1) == []
    assert len(claim(ledger, now=LATER)) == 1


def test_live_news_overtakes_a_backfill(ledger: Ledger) -> None:
    mark(ledger, *[f"org_{number}" for number in range(50)], priority=BACKFILL)
    mark(ledger, "org_live", priority=LIVE)

    assert claim(ledger, limit=1)[0].subject == "org_live"


def test_a_parked_subject_is_woken_by_news(ledger: Ledger) -> None:
    mark(ledger, "org_1")
    release(ledger, claim(ledger)[0], parked_code="parked", parked_reason="cannot work")
    with ledger.transaction() as tx:
        parked = tx.subjects.get("org_1")

    mark(ledger, "org_1")

    assert parked is not None
    assert parked["parked_reason"] == "cannot work"
    assert len(claim(ledger)) == 1


def test_many_claimers_never_share_a_subject(ledger: Ledger) -> None:
    mark(ledger, *[f"org_{number:03}" for number in range(120)])

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda name: claim(ledger, limit=30, owner=f"w{name}"), range(4)))

    subjects = [one.subject for part in taken for one in part]
    assert len(subjects) == len(set(subjects))
    assert len(subjects) == 120


def test_everybody_is_woken_page_by_page(ledger: Ledger) -> None:
    mark(ledger, "org_1", "org_2", "org_3")
    for one in claim(ledger):
        release(ledger, one)

    with ledger.transaction() as tx:
        first = tx.subjects.mark_page_due("", 2, BACKFILL)
        second = tx.subjects.mark_page_due(first[-1], 2, BACKFILL)
        third = tx.subjects.mark_page_due(second[-1], 2, BACKFILL)

    assert [first, second, third] == [["org_1", "org_2"], ["org_3"], []]
    assert len(claim(ledger)) == 3
