"""A stream of a source's API over HTTP: bytes as they come, and an end to it whatever the source does."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING

import httpx
import pytest
from unkey_sync.clock import SECOND, FakeClock
from unkey_sync.errors import Retry, RetryAt
from unkey_sync.sourceapi import ApiAccess, HttpSourceApi, SourceRefused
from unkey_sync_connectors.base import ApiSpec, Gone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW_S = 1_767_225_600
NOISE = b": heartbeat\n\n"


@dataclass
class Telling(httpx.SyncByteStream):
    """What the source says on one connection, and whether we have hung up."""

    said: Iterator[bytes]
    closed: bool = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.said

    def close(self) -> None:
        self.closed = True


@dataclass
class Source(httpx.BaseTransport):
    """Answers every request with what `say` gives. `fail` comes instead, first."""

    clock: FakeClock
    say: Callable[[], Iterator[bytes]]
    fail: list[httpx.Response | Exception] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)
    told: list[Telling] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.fail:
            failure = self.fail.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure
        self.told.append(Telling(self.say()))
        date = formatdate(self.clock.now() // SECOND, usegmt=True)
        return httpx.Response(200, headers={"date": date}, stream=self.told[-1])


def source(say: Callable[[], Iterator[bytes]], *fail: httpx.Response | Exception) -> Source:
    return Source(FakeClock(NOW_S * SECOND), say, list(fail))


def api_of(world: Source) -> HttpSourceApi:
    access = ApiAccess(source="auth0", spec=ApiSpec(base_url="https://x", rate_per_s=1e6), key="sk")
    return HttpSourceApi(access, world.clock, lambda: 0.5, world)


def chunks(world: Source) -> list[bytes]:
    with api_of(world).stream("/events", {"from": "o-1"}, {"accept": "text/event-stream"}) as stream:
        return list(stream.chunks)


def test_bytes_come_as_they_are_told_and_leaving_hangs_up() -> None:
    world = source(lambda: iter([b"a", b"b"]))

    with api_of(world).stream("/events", {"from": "o-1"}, {"accept": "text/event-stream"}) as stream:
        first = next(stream.chunks)
        open_meanwhile = not world.told[0].closed

    assert (first, open_meanwhile, world.told[0].closed) == (b"a", True, True)
    assert stream.date == (NOW_S - 1) * SECOND
    assert world.asked[0].headers["accept"] == "text/event-stream"
    assert world.asked[0].headers["authorization"] == "Bearer sk"
    assert world.asked[0].url.params["from"] == "o-1"


def test_silence_is_told_and_is_the_end() -> None:
    def say() -> Iterator[bytes]:
        yield b"a"
        raise httpx.ReadTimeout("")

    world = source(say)

    assert chunks(world) == [b"a", b""]
    assert world.asked[0].extensions["timeout"]["read"] == 5.0


def test_a_source_that_never_falls_silent_is_left_at_the_deadline() -> None:
    def say() -> Iterator[bytes]:
        while True:
            world.clock.advance(7)
            yield NOISE

    world = source(say)

    assert chunks(world) == [NOISE] * 9
    assert world.told[0].closed


def test_a_flood_is_left_at_the_byte_cap() -> None:
    def say() -> Iterator[bytes]:
        while True:
            yield b"x" * 1024 * 1024

    assert len(chunks(source(say))) == 17


def test_a_stream_that_breaks_off_has_ended_and_one_that_never_began_has_failed() -> None:
    def breaking(*before: bytes) -> Callable[[], Iterator[bytes]]:
        def say() -> Iterator[bytes]:
            yield from before
            raise httpx.RemoteProtocolError("")

        return say

    assert chunks(source(breaking(b"a"))) == [b"a"]
    with pytest.raises(Retry, match="RemoteProtocolError"):
        chunks(source(breaking()))


def test_opening_is_tried_again_when_it_fails() -> None:
    world = source(lambda: iter([b"a"]), httpx.ConnectError(""), httpx.Response(503))

    assert chunks(world) == [b"a"]
    assert len(world.asked) == 3


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, Gone), (410, Gone), (429, RetryAt), (401, SourceRefused), (403, SourceRefused)],
)
def test_what_the_source_refuses_is_named(status: int, error: type[Exception]) -> None:
    refused = Telling(iter([b"{}"]))
    answer = httpx.Response(status, headers={"retry-after": "7"}, stream=refused)
    world = source(lambda: iter([]), answer)

    with pytest.raises(error) as caught:
        chunks(world)

    assert getattr(caught.value, "expired", False) is (status == 410)
    assert getattr(caught.value, "after_s", 7) in (7, 30)
    assert refused.closed


def test_when_the_service_stops_no_stream_holds_it_up() -> None:
    world = source(lambda: iter([b"a", b"b"]))
    api = api_of(world)

    with api.stream("/events") as stream:
        first = next(stream.chunks)
        api.close()
        rest = list(stream.chunks)

    assert (first, rest) == (b"a", [])
