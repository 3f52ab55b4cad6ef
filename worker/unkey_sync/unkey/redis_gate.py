"""The gate shared by all processes through Redis.

Decisions are taken locally; a few times a second one thread exchanges notes with Redis, so a call costs no
round trip. Only pauses, opening, closing and probes of the circuit are written at once. While Redis is away
every process goes on with what it knows itself. Instants travel as remaining times: clocks need not agree.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from unkey_sync.errors import RetryAt
from unkey_sync.unkey.budget import Priority, Window
from unkey_sync.unkey.circuit import Failure
from unkey_sync.unkey.gate import OPEN, GateRules, GateState, LocalGate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.clock import Clock

EXCHANGE_EVERY_S = 0.25
AWAY_S = 5.0
"""How long Redis is left alone after it failed: a hung one would cost its timeout again and again."""
SOCKET_TIMEOUT_S = 1.0
CIRCUIT_KEPT_MS = 3_600_000
"""An open circuit nobody looks after any more is forgotten after an hour."""

# KEYS pause circuit budget; ARGV limit, remaining, milliseconds left (0: nothing known).
# Within one window (its end is blurred by 1.5 s) the smaller remainder wins.
EXCHANGE = """
local limit, remaining, left = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local have_limit, have = string.match(redis.call('GET', KEYS[3]) or '', '^(%d+) (%d+)$')
local same = have_limit == limit and math.abs(redis.call('PTTL', KEYS[3]) - left) < 1500
if left > 0 and not (same and tonumber(have) <= remaining) then
  redis.call('SET', KEYS[3], limit .. ' ' .. remaining, 'PX', left)
end
return {redis.call('PTTL', KEYS[1]), redis.call('GET', KEYS[2]) or '',
        redis.call('GET', KEYS[3]) or '', redis.call('PTTL', KEYS[3])}
"""
# A pause is only ever made longer.
PAUSE = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end
return 1
"""


def connect(url: str) -> redis.Redis:
    """A Redis client that gives up after a second instead of retrying. Nothing is opened yet."""
    return redis.Redis.from_url(
        url,
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


class RedisGate:
    """`prefix` names the Unkey workspace: gates with the same prefix act as one."""

    def __init__(
        self, client: redis.Redis, clock: Clock, *, prefix: str, rules: GateRules | None = None
    ) -> None:
        self._board = _Board(client, clock, prefix)
        self._clock = clock
        self._local = LocalGate(clock, rules)
        self._exchanging = threading.Lock()
        self._exchange_at = 0.0
        self._probe_lease_s = (rules or GateRules()).circuit.probe_lease_s
        self._prober: int | None = None
        """The thread whose call is this process's probe."""
        self._told: Failure | None = None
        """What Redis was last told, or told us, about the circuit."""

    def enter(self, priority: Priority) -> None:
        self._exchange_if_due()
        cause = self._local.admit(priority)
        if cause is not None:
            self._claim_probe(cause)

    def observed(self, headers: Mapping[str, str]) -> None:
        self._local.observed(headers)

    def paused(self, seconds: float) -> None:
        self._local.paused(seconds)
        self._board.pause(seconds)

    def succeeded(self) -> None:
        self._local.succeeded()
        self._tell()
        self._end_probe()

    def failed(self, kind: Failure) -> None:
        self._local.failed(kind)
        self._tell()
        self._end_probe()

    def state(self) -> GateState:
        self._exchange_if_due()
        return self._local.state()

    def cause(self) -> Failure | None:
        return self._local.cause()

    def _claim_probe(self, cause: Failure) -> None:
        seconds = self._local.probe_interval_s()
        if not self._board.claim_probe(self._probe_lease_s):
            self._local.put_off_probe(seconds)
            raise RetryAt(OPEN[cause], after_s=seconds)
        self._prober = threading.get_ident()

    def _end_probe(self) -> None:
        if self._prober == threading.get_ident():
            self._prober = None
            self._board.end_probe(self._local.probe_interval_s())

    def _tell(self) -> None:
        cause = self._local.cause()
        if cause is not self._told and self._board.set_circuit(cause):
            self._told = cause

    def _exchange_if_due(self) -> None:
        if self._clock.monotonic() < self._exchange_at or not self._exchanging.acquire(blocking=False):
            return
        try:
            self._exchange_at = self._clock.monotonic() + EXCHANGE_EVERY_S
            self._tell()
            self._adopt(self._board.exchange(self._local.window()))
        finally:
            self._exchanging.release()

    def _adopt(self, notes: _Notes | None) -> None:
        if notes is None:
            return
        if notes.paused_s > 0:
            self._local.paused(notes.paused_s)
        if notes.window is not None:
            self._local.observed_window(notes.window)
        if notes.cause is not self._told:
            self._local.adopt_circuit(notes.cause)
            self._told = notes.cause


class _Notes:
    """What stands in Redis. Anything unreadable counts as absent."""

    def __init__(self, answer: list[Any]) -> None:
        pause_ms, circuit, budget, budget_ms = answer
        self.paused_s = max(0, int(pause_ms)) / 1000
        self.cause = Failure(circuit) if circuit in {Failure.SERVER, Failure.AUTH} else None
        self.window = _window(str(budget), int(budget_ms))


def _window(budget: str, left_ms: int) -> Window | None:
    limit, _, remaining = budget.partition(" ")
    if not (limit.isdecimal() and remaining.isdecimal()) or left_ms <= 0:
        return None
    return Window(int(limit), int(remaining), left_ms / 1000)


class _Board:
    """The keys in Redis. Every method survives its absence, which it remembers for `AWAY_S`."""

    def __init__(self, client: redis.Redis, clock: Clock, prefix: str) -> None:
        tag = f"{{{prefix}}}"  # one hash slot: the scripts work on a cluster, too
        self._pause, self._circuit, self._budget, self._probe = (
            f"{tag}:{name}" for name in ("pause", "circuit", "budget", "probe")
        )
        self._client = client
        self._clock = clock
        self._away_until = 0.0

    def exchange(self, window: Window | None) -> _Notes | None:
        known = (window.limit, window.remaining, int(window.reset_s * 1000)) if window else (0, 0, 0)
        keys = (self._pause, self._circuit, self._budget)
        answer = self._run("EVAL", EXCHANGE, len(keys), *keys, *known)
        return _Notes(answer) if isinstance(answer, list) else None

    def pause(self, seconds: float) -> None:
        self._run("EVAL", PAUSE, 1, self._pause, int(seconds * 1000))

    def set_circuit(self, cause: Failure | None) -> bool:
        """False when Redis could not be told."""
        if cause is None:
            return self._run("DEL", self._circuit) is not None
        return self._run("SET", self._circuit, cause.value, "PX", CIRCUIT_KEPT_MS) is not None

    def claim_probe(self, seconds: float) -> bool:
        """True when no other process is probing or has just probed, or when Redis cannot be asked."""
        if self._clock.monotonic() < self._away_until:
            return True
        claimed = self._run("SET", self._probe, "1", "NX", "PX", int(seconds * 1000))
        return claimed is not None or self._clock.monotonic() < self._away_until

    def end_probe(self, seconds: float) -> None:
        """The next probe of anybody is `seconds` away."""
        self._run("SET", self._probe, "1", "PX", int(seconds * 1000))

    def _run(self, *command: str | int) -> Any:
        """The answer, or None while Redis is away."""
        if self._clock.monotonic() < self._away_until:
            return None
        try:
            return self._client.execute_command(*command)  # type: ignore[no-untyped-call]
        except redis.RedisError:
            self._away_until = self._clock.monotonic() + AWAY_S
            return None
