"""The gate within one process: pause, reserve, circuit breaker. Time is the test's own."""

from __future__ import annotations

import threading

import pytest
from unkey_sync.clock import FakeClock
from unkey_sync.errors import RetryAt
from unkey_sync.unkey import CircuitRules, CircuitState, Failure, GateRules, LocalGate, Priority, Reserve

RULES = GateRules(circuit=CircuitRules(failures=3), reserve=Reserve(live=0.1, sweep=0.2, backfill=0.3))


def headers(limit: int, remaining: int, reset_s: int) -> dict[str, str]:
    return {
        "ratelimit-limit": str(limit),
        "ratelimit-remaining": str(remaining),
        "ratelimit-reset": str(reset_s),
    }


def elsewhere(work: object) -> None:
    """Do it in another thread: the gate knows callers by their thread."""
    assert callable(work)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def may_enter(gate: LocalGate, priority: Priority = Priority.LIVE) -> bool:
    try:
        gate.enter(priority)
    except RetryAt:
        return False
    return True


def fail(gate: LocalGate, kind: Failure = Failure.SERVER) -> None:
    gate.enter(Priority.LIVE)
    gate.failed(kind)


def test_a_pause_holds_everybody_until_it_is_over() -> None:
    clock = FakeClock()
    gate = LocalGate(clock, RULES)

    gate.paused(10)

    with pytest.raises(RetryAt) as caught:
        gate.enter(Priority.LIVE)
    assert caught.value.after_s == pytest.approx(10)
    clock.advance(10)
    assert may_enter(gate)


def test_a_shorter_pause_does_not_shorten_a_longer_one() -> None:
    gate = LocalGate(FakeClock(), RULES)

    gate.paused(10)
    gate.paused(2)

    assert gate.state().paused_s == pytest.approx(10)


@pytest.mark.parametrize(
    ("remaining", "allowed"),
    [
        (31, {Priority.LIVE, Priority.SWEEP, Priority.BACKFILL}),
        (25, {Priority.LIVE, Priority.SWEEP}),
        (15, {Priority.LIVE}),
        (10, set()),
    ],
)
def test_the_reserve_is_deeper_for_less_urgent_work(remaining: int, allowed: set[Priority]) -> None:
    entered = set()

    for priority in Priority:
        gate = LocalGate(FakeClock(), RULES)
        gate.observed(headers(100, remaining, 30))
        if may_enter(gate, priority):
            entered.add(priority)

    assert entered == allowed


def test_held_back_work_goes_on_when_the_window_is_over() -> None:
    clock = FakeClock()
    gate = LocalGate(clock, RULES)
    gate.observed(headers(100, 5, 30))

    with pytest.raises(RetryAt) as caught:
        gate.enter(Priority.LIVE)

    assert caught.value.after_s == pytest.approx(30)
    clock.advance(30)
    assert may_enter(gate)


def test_calls_under_way_count_before_their_answers_come() -> None:
    gate = LocalGate(FakeClock(), RULES)
    gate.observed(headers(100, 13, 30))

    entered = [may_enter(gate) for _ in range(5)]

    assert entered == [True, True, True, False, False]


def test_an_overtaken_answer_does_not_raise_what_is_left() -> None:
    gate = LocalGate(FakeClock(), RULES)

    gate.observed(headers(100, 40, 30))
    gate.observed(headers(100, 60, 30))

    assert gate.state().remaining == 40


@pytest.mark.parametrize("junk", [{}, headers(-1, 0, 5), {**headers(9, 0, 5), "ratelimit-limit": "many"}])
def test_missing_or_unreadable_limits_mean_no_limit(junk: dict[str, str]) -> None:
    gate = LocalGate(FakeClock(), RULES)

    gate.observed(junk)

    assert gate.state().limit is None
    assert may_enter(gate, Priority.BACKFILL)


def test_the_circuit_opens_after_consecutive_failures_only() -> None:
    gate = LocalGate(FakeClock(), RULES)

    for _ in range(5):
        fail(gate)
        fail(gate)
        gate.enter(Priority.LIVE)
        gate.succeeded()

    assert gate.state().circuit is CircuitState.CLOSED
    for _ in range(3):
        fail(gate)
    assert gate.state().circuit is CircuitState.OPEN


def test_our_own_refused_requests_do_not_open_the_circuit() -> None:
    gate = LocalGate(FakeClock(), RULES)

    for _ in range(20):
        fail(gate, Failure.OURS)

    assert gate.state().circuit is CircuitState.CLOSED


@pytest.mark.parametrize(("kind", "interval_s"), [(Failure.SERVER, 1.0), (Failure.AUTH, 10.0)])
def test_an_open_circuit_lets_one_probe_out_per_interval(kind: Failure, interval_s: float) -> None:
    clock = FakeClock()
    gate = LocalGate(clock, RULES)
    while gate.state().circuit is CircuitState.CLOSED:
        fail(gate, kind)
    probes = 0

    for _ in range(600):
        clock.advance(0.1)
        if may_enter(gate):
            probes += 1
            gate.failed(kind)

    assert probes <= 60 / interval_s
    assert probes >= 60 / interval_s - 2


def test_a_refused_root_key_opens_the_circuit_at_once() -> None:
    gate = LocalGate(FakeClock(), RULES)

    fail(gate, Failure.AUTH)

    assert gate.state().circuit is CircuitState.OPEN
    assert gate.state().cause is Failure.AUTH


def test_while_a_probe_is_under_way_nobody_else_goes_out() -> None:
    clock = FakeClock()
    gate = LocalGate(clock, RULES)
    fail(gate, Failure.AUTH)
    clock.advance(10)

    gate.enter(Priority.LIVE)

    assert gate.state().circuit is CircuitState.HALF_OPEN
    clock.advance(15)
    assert not may_enter(gate)


def test_while_a_probe_is_under_way_everybody_is_asked_back_after_an_interval_not_after_its_lease() -> None:
    clock = FakeClock()
    gate = LocalGate(clock, RULES)
    fail(gate, Failure.AUTH)
    clock.advance(10)
    gate.enter(Priority.LIVE)

    with pytest.raises(RetryAt) as refused:
        gate.enter(Priority.LIVE)

    assert 0 < refused.value.after_s <= RULES.circuit.auth_probe_s < RULES.circuit.probe_lease_s


def test_a_probe_that_never_reports_is_replaced() -> None:
    clock = FakeClock()
    gate = LocalGate(clock, RULES)
    fail(gate, Failure.AUTH)
    clock.advance(10)
    gate.enter(Priority.LIVE)

    clock.advance(RULES.circuit.probe_lease_s)

    assert may_enter(gate)


def test_a_successful_probe_closes_the_circuit() -> None:
    clock = FakeClock()
    gate = LocalGate(clock, RULES)
    fail(gate, Failure.AUTH)
    clock.advance(10)
    gate.enter(Priority.LIVE)

    gate.succeeded()

    assert gate.state().circuit is CircuitState.CLOSED
    assert all(may_enter(gate) for _ in range(10))


def test_late_answers_of_earlier_calls_do_not_move_an_open_circuit() -> None:
    clock = FakeClock()
    gate = LocalGate(clock, RULES)
    fail(gate, Failure.AUTH)
    clock.advance(10)
    gate.enter(Priority.LIVE)

    elsewhere(gate.succeeded)
    elsewhere(lambda: gate.failed(Failure.SERVER))

    assert gate.state().circuit is CircuitState.HALF_OPEN
    assert gate.state().cause is Failure.AUTH
