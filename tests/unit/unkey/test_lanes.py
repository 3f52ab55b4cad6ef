"""The stack of one-connection lanes."""

from __future__ import annotations

import logging
import threading

import httpx
import pytest
from unkey_sync.clock import FakeClock, SystemClock
from unkey_sync.unkey import LaneTransport
from unkey_sync.unkey.wire import Deadline

from tests.unit.unkey.faults import FaultServer, answer, reset

BODY = b'{"meta":{}}'


def request(url: str, **timeouts: float) -> httpx.Request:
    return httpx.Request("POST", url, content=b"{}", extensions={"timeout": {"pool": 0.01, **timeouts}})


def exchange(lanes: LaneTransport, url: str) -> bytes:
    response = lanes.handle_request(request(url))
    try:
        return response.read()
    finally:
        response.close()


def test_calls_one_after_another_share_one_connection() -> None:
    ports = []

    def note_port(connection: object) -> bool:
        ports.append(connection.getpeername()[1])  # type: ignore[attr-defined]
        return answer(BODY)(connection)  # type: ignore[arg-type]

    with FaultServer(note_port) as server:
        lanes = LaneTransport(SystemClock(), max_lanes=4)
        bodies = [exchange(lanes, server.url) for _ in range(5)]
        lanes.close()

    assert bodies == [BODY] * 5
    assert len(set(ports)) == 1


def test_a_call_that_finds_no_free_lane_in_time_is_a_pool_timeout() -> None:
    with FaultServer(answer(BODY)) as server:
        lanes = LaneTransport(SystemClock(), max_lanes=1)
        unread = lanes.handle_request(request(server.url))

        with pytest.raises(httpx.PoolTimeout):
            lanes.handle_request(request(server.url))

        unread.close()
        assert exchange(lanes, server.url) == BODY
        lanes.close()


def test_a_broken_connection_gives_its_lane_back() -> None:
    with FaultServer(reset, reset, answer(BODY)) as server:
        lanes = LaneTransport(SystemClock(), max_lanes=1)

        for _ in range(2):
            with pytest.raises(httpx.NetworkError):
                lanes.handle_request(request(server.url))

        assert exchange(lanes, server.url) == BODY
        lanes.close()


def test_closing_an_answer_twice_gives_its_lane_back_once() -> None:
    with FaultServer(answer(BODY)) as server:
        lanes = LaneTransport(SystemClock(), max_lanes=1)
        response = lanes.handle_request(request(server.url))

        response.close()
        response.stream.close()  # type: ignore[union-attr]

        assert exchange(lanes, server.url) == BODY
        lanes.close()


def test_many_threads_each_get_their_own_answer() -> None:
    def echo_count(connection: object) -> bool:
        return answer(BODY)(connection)  # type: ignore[arg-type]

    with FaultServer(echo_count) as server:
        lanes = LaneTransport(SystemClock(), max_lanes=3)
        answers: list[bytes] = []

        def work() -> None:
            for _ in range(5):
                response = lanes.handle_request(request(server.url, pool=10.0))
                answers.append(response.read())
                response.close()

        threads = [threading.Thread(target=work) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lanes.close()

    assert answers == [BODY] * 60


def test_a_deadline_shortens_a_timeout_and_never_lengthens_it() -> None:
    clock = FakeClock()
    deadline = Deadline(clock)

    deadline.set(clock.monotonic() + 5)

    assert deadline.clip(30.0, TimeoutError) == pytest.approx(5)
    assert deadline.clip(1.0, TimeoutError) == 1.0
    assert deadline.clip(None, TimeoutError) == pytest.approx(5)
    clock.advance(5)
    with pytest.raises(TimeoutError):
        deadline.clip(1.0, TimeoutError)


def test_without_a_deadline_timeouts_stay_as_they_are() -> None:
    deadline = Deadline(FakeClock())

    deadline.set(None)

    assert deadline.clip(7.0, TimeoutError) == 7.0
    assert deadline.clip(None, TimeoutError) is None


def test_nothing_about_a_call_is_logged_by_httpx(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    with FaultServer(answer(BODY)) as server:
        lanes = LaneTransport(SystemClock(), max_lanes=1)
        exchange(lanes, server.url)
        lanes.close()

    assert [record for record in caplog.records if record.name.startswith("httpx")] == []
