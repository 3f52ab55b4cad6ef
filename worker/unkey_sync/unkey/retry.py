"""Which attempts are repeated inside one call, and when. Longer waits are the engine's: rows with a due time.

What surely did not leave the machine is repeated for every operation, what may have arrived only for
operations whose repetition changes nothing. All attempts and pauses fit into the call's one deadline.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying

from unkey_sync.unkey.endpoints import Effect, Endpoint
from unkey_sync.unkey.reactions import in_doubt
from unkey_sync.unkey.reply import Held, Lost, NotSent, Outcome, Reply

if TYPE_CHECKING:
    from unkey_sync.clock import Clock
    from unkey_sync.unkey.call import Call
    from unkey_sync.unkey.config import UnkeyConfig

Jitter = Callable[[], float]
"""A number from 0 to 1."""


def worth_repeating(endpoint: Endpoint, outcome: Outcome) -> bool:
    if isinstance(outcome, NotSent):
        return True
    return endpoint.effect is not Effect.ONCE and in_doubt(outcome, endpoint.effect)


class Repeater:
    """Runs a call's attempts. Thread-safe."""

    def __init__(self, config: UnkeyConfig, clock: Clock, jitter: Jitter) -> None:
        self._attempts = config.attempts
        self._backoff_s = config.backoff_s
        self._clock = clock
        self._jitter = jitter
        self._never = threading.Event()
        self._retrying = Retrying(
            retry=self._again,
            stop=self._enough,
            wait=self._pause,
            sleep=self._wait,
            retry_error_callback=_last,
        )

    def run(self, attempt: Callable[[Call], Outcome], call: Call) -> Outcome:
        """The last attempt's outcome; Lost if it did not go out but an earlier one may have arrived."""
        outcome = self._retrying(attempt, call)
        unsent = isinstance(outcome, NotSent | Held) or (isinstance(outcome, Reply) and outcome.status == 429)
        return Lost("an earlier attempt may have arrived") if unsent and call.in_doubt else outcome

    def _again(self, state: RetryCallState) -> bool:
        call: Call = state.args[0]
        return worth_repeating(call.endpoint, _last(state))

    def _enough(self, state: RetryCallState) -> bool:
        call: Call = state.args[0]
        too_late = self._clock.monotonic() + state.upcoming_sleep >= call.deadline
        return state.attempt_number >= self._attempts or too_late

    def _pause(self, state: RetryCallState) -> float:
        full = self._backoff_s * 2.0 ** (state.attempt_number - 1)
        return full * (1.0 - self._jitter() / 2)

    def _wait(self, seconds: float) -> None:
        self._clock.wait(self._never, seconds)


def _last(state: RetryCallState) -> Outcome:
    if state.outcome is None:
        raise RuntimeError("tenacity asked before an attempt was made")
    outcome: Outcome = state.outcome.result()
    return outcome
