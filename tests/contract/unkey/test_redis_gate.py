"""Gates of one fleet on a real Redis: what one learns, all heed within a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis
from unkey_sync.clock import FakeClock
from unkey_sync.errors import RetryAt
from unkey_sync.unkey import CircuitRules, CircuitState, Failure, Gate, GateRules, Priority, RedisGate
from unkey_sync.unkey.redis_gate import connect

if TYPE_CHECKING:
    from tests.contract.unkey.conftest import Gates

WITHIN_A_SECOND = 0.9


def may_enter(gate: Gate, priority: Priority = Priority.LIVE) -> bool:
    try:
        gate.enter(priority)
    except RetryAt:
        return False
    return True


def fail(gate: Gate, kind: Failure = Failure.SERVER) -> None:
    gate.enter(Priority.LIVE)
    gate.failed(kind)


def window(remaining: int) -> dict[str, str]:
    return {"ratelimit-limit": "100", "ratelimit-remaining": str(remaining), "ratelimit-reset": "30"}


def test_a_pause_of_one_holds_all_within_a_second(another: Gates, clock: FakeClock) -> None:
    one, two = another(), another()
    assert may_enter(two)

    one.paused(20)

    clock.advance(WITHIN_A_SECOND)
    with pytest.raises(RetryAt) as caught:
        two.enter(Priority.LIVE)
    assert caught.value.after_s == pytest.approx(20, abs=1)


def test_a_shorter_pause_does_not_shorten_a_longer_one(another: Gates) -> None:
    one, two = another(), another()

    one.paused(20)
    two.paused(1)

    assert another().state().paused_s == pytest.approx(20, abs=1)


def test_what_one_sees_of_the_limit_holds_the_others_back(another: Gates, clock: FakeClock) -> None:
    one, two = another(), another()
    assert may_enter(two, Priority.BACKFILL)

    one.observed(window(25))
    one.state()

    clock.advance(WITHIN_A_SECOND)
    assert not may_enter(two, Priority.BACKFILL)
    assert may_enter(two, Priority.LIVE)


def test_the_smaller_remainder_of_one_window_wins(another: Gates, clock: FakeClock) -> None:
    one, two = another(), another()
    one.observed(window(40))
    one.state()

    two.observed(window(60))
    two.state()
    clock.advance(0.3)

    assert one.state().remaining == 40
    assert two.state().remaining == 40


def test_a_circuit_opened_by_one_is_open_for_all(another: Gates, clock: FakeClock) -> None:
    one, two = another(), another()
    assert may_enter(two)
    two.succeeded()

    fail(one, Failure.AUTH)

    clock.advance(WITHIN_A_SECOND)
    assert not may_enter(two)
    assert two.state().circuit is CircuitState.OPEN
    assert two.state().cause is Failure.AUTH


def test_only_one_of_the_fleet_probes(another: Gates, clock: FakeClock) -> None:
    fleet = [another() for _ in range(4)]
    fail(fleet[0], Failure.AUTH)
    for gate in fleet:
        gate.state()

    clock.advance(10)
    entered = [may_enter(gate) for gate in fleet]

    assert entered.count(True) == 1


def test_after_a_failed_probe_nobody_probes_at_once(another: Gates, clock: FakeClock) -> None:
    one, two = another(), another()
    fail(one, Failure.AUTH)
    two.state()
    clock.advance(10)
    fail(one, Failure.AUTH)

    clock.advance(1)

    assert not may_enter(two)


def test_a_successful_probe_closes_the_circuit_for_all(another: Gates, clock: FakeClock) -> None:
    one, two = another(), another()
    fail(one, Failure.AUTH)
    two.state()
    clock.advance(10)
    one.enter(Priority.LIVE)

    one.succeeded()

    clock.advance(WITHIN_A_SECOND)
    assert two.state().circuit is CircuitState.CLOSED
    assert may_enter(two)


def test_consecutive_failures_of_one_process_open_the_circuit(another: Gates) -> None:
    gate = another()

    fail(gate)
    fail(gate)

    assert another().state().circuit is CircuitState.OPEN


def away(clock: FakeClock) -> RedisGate:
    rules = GateRules(circuit=CircuitRules(failures=2))
    return RedisGate(connect("redis://127.0.0.1:1"), clock, prefix="nobody", rules=rules)


def test_without_redis_a_gate_decides_for_itself() -> None:
    clock = FakeClock()
    gate = away(clock)
    assert may_enter(gate)

    gate.paused(5)

    assert not may_enter(gate)
    clock.advance(5)
    assert may_enter(gate)
    gate.succeeded()
    fail(gate)
    fail(gate)
    assert gate.state().circuit is CircuitState.OPEN
    clock.advance(1)
    assert may_enter(gate)
    gate.succeeded()
    assert gate.state().circuit is CircuitState.CLOSED


class UnsteadyRedis(redis.Redis):
    """A client whose server can be taken away."""

    gone = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if self.gone:
            raise redis.ConnectionError
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


def test_a_circuit_opened_while_redis_was_away_is_told_when_it_is_back(
    another: Gates, prefix: str, broker: redis.Redis, clock: FakeClock
) -> None:
    unsteady = UnsteadyRedis(connection_pool=broker.connection_pool)
    gate, other = RedisGate(unsteady, clock, prefix=prefix), another()
    unsteady.gone = True
    fail(gate, Failure.AUTH)
    assert other.state().circuit is CircuitState.CLOSED

    unsteady.gone = False
    clock.advance(6)
    gate.state()

    assert other.state().circuit is CircuitState.OPEN
