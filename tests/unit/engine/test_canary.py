"""The canary tells a deaf consumer from a broker that is away."""

from __future__ import annotations

import threading

import pytest
from unkey_sync.clock import FakeClock
from unkey_sync.engine.canary import INTERVAL_S, PATIENCE_S, Canary


class Broker:
    def __init__(self) -> None:
        self.sent = 0
        self.away = False

    def send(self) -> None:
        if self.away:
            raise OSError
        self.sent += 1


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def canary(broker: Broker, clock: FakeClock) -> Canary:
    return Canary(broker.send, clock, (OSError,))


def test_one_message_in_each_interval(canary: Canary, broker: Broker, clock: FakeClock) -> None:
    for _ in range(4):
        canary.tick()
        clock.advance(INTERVAL_S / 2)

    assert broker.sent == 2


def test_a_message_that_never_comes_back_means_deaf(canary: Canary, clock: FakeClock) -> None:
    canary.tick()

    clock.advance(PATIENCE_S - 1)
    early = canary.is_deaf
    clock.advance(2)

    assert not early
    assert canary.is_deaf


def test_one_that_comes_back_is_as_good_as_all(canary: Canary, clock: FakeClock) -> None:
    canary.tick()
    clock.advance(PATIENCE_S - 1)

    canary.heard()
    clock.advance(2)

    assert not canary.is_deaf


def test_a_broker_that_is_away_makes_nobody_deaf(canary: Canary, broker: Broker, clock: FakeClock) -> None:
    broker.away = True
    for _ in range(10):
        canary.tick()
        clock.advance(INTERVAL_S)

    assert not canary.is_deaf


def test_who_watches_is_told_once_and_then_it_is_over(canary: Canary) -> None:
    told: list[bool] = []

    canary.watch(threading.Event(), lambda: told.append(True))

    assert told == [True]


def test_watching_ends_with_the_process(canary: Canary, broker: Broker) -> None:
    stop = threading.Event()
    stop.set()

    canary.watch(stop, lambda: pytest.fail("nobody is deaf"))

    assert broker.sent == 0
