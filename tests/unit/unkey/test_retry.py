"""Repetition inside one call."""

from __future__ import annotations

import httpx
import pytest
from unkey_sync.clock import FakeClock
from unkey_sync.errors import Adopt, Retry, RetryAt, Unknown
from unkey_sync.unkey import KeyPatch, NewKey, Priority

from tests.unit.unkey.parts import Script, SpyGate, client, failure, success

CREATED = {"keyId": "key_1", "key": "shown-once"}
LIMITED = "user/too_many_requests/workspace_rate_limited"


@pytest.mark.parametrize(
    "accident", [httpx.ConnectError("e"), httpx.ConnectTimeout("e"), httpx.PoolTimeout("e")]
)
def test_what_was_surely_not_sent_is_tried_again_even_for_a_key_creation(accident: Exception) -> None:
    script = Script([accident, success(CREATED)])

    created = client(script).keys.create(NewKey(external_id="user_1"))

    assert created.key_id == "key_1"
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    "accident",
    [httpx.ReadError("e"), httpx.WriteError("e"), httpx.ReadTimeout("e"), httpx.RemoteProtocolError("e")],
    ids=lambda accident: type(accident).__name__,
)
def test_what_may_have_arrived_is_not_tried_again_for_a_key_creation(accident: Exception) -> None:
    script = Script([accident, success(CREATED)])

    with pytest.raises(Unknown, match=type(accident).__name__):
        client(script).keys.create(NewKey(external_id="user_1"))

    assert len(script.requests) == 1


def test_a_relative_change_of_credits_is_sent_once_and_an_absolute_one_again() -> None:
    relative = Script([httpx.ReadError("e"), success({"remaining": 5})])
    absolute = Script([httpx.ReadError("e"), success({"remaining": 5})])

    with pytest.raises(Unknown):
        client(relative).keys.change_credits("key_1", operation="increment", by=5)
    credits = client(absolute).keys.set_credits("key_1", 5)

    assert len(relative.requests) == 1
    assert credits.remaining == 5


def test_an_identity_creation_whose_first_answer_was_lost_is_adopted() -> None:
    script = Script([httpx.ReadError("e"), failure(409, "unkey/data/identity_already_exists")])

    with pytest.raises(Adopt):
        client(script).identities.create(external_id="user_1", meta={}, ratelimits=())


@pytest.mark.parametrize("then", [httpx.ConnectError("e"), failure(429, LIMITED)], ids=["not sent", "429"])
def test_a_change_that_may_have_arrived_stays_unknown_though_its_repetition_did_not_go_out(
    then: httpx.Response | Exception,
) -> None:
    script = Script([httpx.ReadError("e"), then])

    with pytest.raises(Unknown):
        client(script, attempts=2).keys.update("key_1", KeyPatch(enabled=True))


def test_pauses_between_attempts_double_and_go_through_the_clock() -> None:
    clock = FakeClock()
    started = clock.monotonic()

    with pytest.raises(Retry):
        client(Script([httpx.ConnectError("e")]), clock=clock, attempts=3, backoff_s=1.0).keys.get("key_1")

    assert clock.monotonic() - started == pytest.approx(0.75 + 1.5)  # jitter 0.5 takes a quarter off


def test_no_attempt_starts_after_the_deadline() -> None:
    script = Script([httpx.ConnectError("e")])

    with pytest.raises(Retry):
        client(script, attempts=50, backoff_s=1.0, read_deadline_s=5.0).keys.get("key_1")

    assert len(script.requests) == 3


def test_an_answer_that_takes_longer_than_the_deadline_is_cut_on_any_transport() -> None:
    clock = FakeClock()

    def slow() -> httpx.Response:
        clock.advance(30)
        return success(CREATED)

    with pytest.raises(Unknown, match="TooLate"):
        client(Script([slow]), clock=clock).keys.create(NewKey(external_id="user_1"))


class ClosedGate(SpyGate):
    def enter(self, priority: Priority) -> None:
        raise RetryAt("closed", after_s=9.0)


def test_a_closed_gate_lets_nothing_out() -> None:
    script = Script([success(CREATED)])

    with pytest.raises(RetryAt) as caught:
        client(script, gate=ClosedGate()).keys.create(NewKey(external_id="user_1"))

    assert caught.value.after_s == 9.0
    assert caught.value.operation == "keys.createKey"
    assert script.requests == []
