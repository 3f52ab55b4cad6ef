"""Whoever waits shares the next transaction; failures hit exactly those they concern."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from unkey_sync.errors import Park, Retry
from unkey_sync.intake import Intake, Receipt
from unkey_sync.web.group_commit import GROUP_LIMIT, GroupCommit
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind

from tests.unit.web.support import MemoryInbox


def intake(number: int, user: str = "user") -> Intake:
    event = Event(
        source="toy",
        account="",
        delivery_id=f"evt_{number}",
        type="user.created",
        occurred_at=0,
        op=EventOp.UPSERT,
        entity=Entity(Kind.USER, user),
    )
    return Intake("toy", (event,), b"{}")


def store_all(inbox: Any, intakes: list[Intake], **options: Any) -> tuple[list[Any], list[int]]:
    rings: list[int] = []

    async def run() -> list[Any]:
        store = GroupCommit(inbox.accept, lambda: rings.append(1), **options)
        results = await asyncio.gather(*(store.store(one) for one in intakes), return_exceptions=True)
        await store.close()
        return results

    return asyncio.run(run()), rings


def test_requests_that_are_ready_together_share_one_commit():
    inbox = MemoryInbox()

    results, rings = store_all(inbox, [intake(number) for number in range(50)])

    assert inbox.groups == [50]
    assert results == [Receipt(1, 0)] * 50
    assert rings == [1]


def test_a_group_is_never_larger_than_the_limit_and_nobody_is_left_behind():
    inbox = MemoryInbox()

    results, rings = store_all(inbox, [intake(number) for number in range(GROUP_LIMIT * 2 + 1)])

    assert inbox.groups == [GROUP_LIMIT, GROUP_LIMIT, 1]
    assert len(results) == GROUP_LIMIT * 2 + 1
    assert len(rings) == 3


def test_the_next_group_is_whatever_arrived_during_the_commit():
    gate, entered = threading.Event(), threading.Event()
    inbox = MemoryInbox()

    def accept(intakes):
        entered.set()
        gate.wait(5)
        return inbox.accept(intakes)

    async def run() -> None:
        store = GroupCommit(accept, lambda: None)
        first = asyncio.create_task(store.store(intake(0)))
        await asyncio.to_thread(entered.wait, 5)
        rest = [asyncio.create_task(store.store(intake(number))) for number in range(1, 8)]
        await asyncio.to_thread(lambda: None)
        gate.set()
        await asyncio.gather(first, *rest)
        await store.close()

    asyncio.run(run())

    assert inbox.groups == [1, 7]


def test_an_unreachable_store_fails_the_whole_group_and_rings_nobody():
    inbox = MemoryInbox(broken=Retry("connection refused"))

    results, rings = store_all(inbox, [intake(1), intake(2)])

    assert [type(one) for one in results] == [Retry, Retry]
    assert rings == []


def test_one_poisoned_intake_fails_alone():
    inbox = MemoryInbox(poison="bad")

    results, _ = store_all(inbox, [intake(1), intake(2, user="bad"), intake(3)])

    assert isinstance(results[1], Park)
    assert [results[0], results[2]] == [Receipt(1, 0), Receipt(1, 0)]
    assert sorted(inbox.stored) == ["evt_1", "evt_3"]


def test_a_programming_error_in_the_store_is_a_passing_failure_for_the_sender(capsys):
    inbox = MemoryInbox(broken=ZeroDivisionError())

    results, _ = store_all(inbox, [intake(1)])

    assert isinstance(results[0], Retry)


def test_an_inbox_that_forgets_a_receipt_acknowledges_nothing(capsys):
    class Forgetful:
        def accept(self, intakes):
            return [Receipt(1, 0)] * (len(intakes) - 1)

    results, _ = store_all(Forgetful(), [intake(1), intake(2)])

    assert [type(one) for one in results] == [Retry, Retry]


def test_a_silent_store_is_given_up_and_refuses_at_once_until_it_answers():
    gate = threading.Event()
    inbox = MemoryInbox()

    def accept(intakes):
        gate.wait(5)
        return inbox.accept(intakes)

    async def run() -> tuple[type[BaseException], Receipt]:
        store = GroupCommit(accept, lambda: None, patience_s=0.01)
        with pytest.raises(Retry):
            await store.store(intake(1))
        with pytest.raises(Retry) as at_once:
            await store.store(intake(2))
        gate.set()
        return at_once.type, await _when_open(store)

    refused, receipt = asyncio.run(run())

    assert refused is Retry
    assert receipt == Receipt(1, 0)
    assert "evt_2" not in inbox.stored


async def _when_open(store: GroupCommit) -> Receipt:
    while True:
        try:
            return await store.store(intake(3))
        except Retry:
            await asyncio.to_thread(lambda: None)


def test_a_client_that_left_does_not_disturb_its_group():
    inbox = MemoryInbox()

    async def run() -> Receipt:
        store = GroupCommit(inbox.accept, lambda: None)
        leaving = asyncio.create_task(store.store(intake(1)))
        staying = asyncio.create_task(store.store(intake(2)))
        await asyncio.to_thread(lambda: None)
        leaving.cancel()
        return await staying

    assert asyncio.run(run()) == Receipt(1, 0)
