"""Auth0's Events API: the past is told once, from where we were, and then somebody hangs up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from unkey_sync_connectors.auth0.streaming import EXPIRED, MOST_BARREN, PATH, UNREADABLE
from unkey_sync_connectors.base import Gone
from unkey_sync_connectors.event import Entity, EventOp, Kind

from tests.unit.connectors.natives import Answers, native, payload
from tests.unit.connectors.support import NOW, SECOND, only

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync_connectors.base import Page

QUIET = b""
LATER = NOW + 3_600 * SECOND
"""When the stream is asked: long after everything that it tells."""
FALL_BACK: dict[str, Any] = {"/api/v2/users": []}


def frame(number: int, event: dict[str, Any] | None = None) -> bytes:
    told = event or {**payload("auth0", "user.created"), "id": f"evt_{number}"}
    data = orjson.dumps({"offset": f"o-{number}", "event": told}).decode()
    return f"event: {told['type']}\nid: o-{number}\ndata: {data}\n\n".encode()


def marker(number: int) -> bytes:
    return f'event: offset-only\nid: o-{number}\ndata: {{"offset": "o-{number}"}}\n\n'.encode()


def stream(tell: Callable[[dict[str, Any]], Sequence[bytes] | Gone], date: int | None = LATER) -> Answers:
    return Answers(FALL_BACK, told={PATH: tell}, date=date)


def log(*frames: bytes, per_connection: int = 1_000) -> Callable[[dict[str, Any]], Sequence[bytes]]:
    """Frames numbered from 1, told from an offset on; Auth0 hangs up after so many, or falls silent at the end."""

    def tell(params: dict[str, Any]) -> Sequence[bytes]:
        start = int(params.get("from", "o-0").removeprefix("o-"))
        chosen = frames[start : start + per_connection]
        ended = start + per_connection >= len(frames)
        return [b":connected\n\nretry: 2000\n\n", *chosen, *([QUIET] if ended else [])]

    return tell


def catch_up(api: Answers, checkpoint: str | None = None, **changes: Any) -> list[Page]:
    return list(native("auth0", **changes).catch_up(api, NOW, checkpoint))


def ids(pages: Sequence[Page]) -> list[str]:
    return [event.delivery_id for page in pages for event in page.events]


def test_the_past_is_told_from_a_little_before_the_cursor_and_then_we_hang_up():
    api = stream(log(frame(1), marker(2), frame(3)))

    (page,) = catch_up(api)

    asked = api.asked[0]
    assert ids([page]) == ["evt_1", "evt_3"]
    assert (page.last, page.gap, page.checkpoint) == (True, "", "from:o-3")
    assert asked.params["from_timestamp"] == "2025-12-31T23:55:00.000Z"
    assert "user.deleted" in asked.params["event_type"]
    assert asked.headers == {"accept": "text/event-stream"}
    assert (api.hung_up, len(api.asked)) == (1, 1)


def test_an_event_of_the_stream_is_the_delivery_that_the_webhook_was():
    told = payload("auth0", "user.deleted")

    (page,) = catch_up(stream(log(frame(1, told))))

    assert list(page.events) == [only(native("auth0"), told)]


def test_when_auth0_hangs_up_it_is_asked_again_from_where_it_was():
    api = stream(log(*(frame(n) for n in range(1, 8)), per_connection=3))

    pages = catch_up(api)

    assert ids(pages) == [f"evt_{n}" for n in range(1, 8)]
    assert [asked.params.get("from") for asked in api.asked] == [None, "o-3", "o-6"]
    assert [page.last for page in pages] == [False, False, True]
    assert api.hung_up == 3


def test_a_killed_run_goes_on_after_the_last_page_that_was_stored():
    api = stream(log(*(frame(n) for n in range(1, 251))))
    whole = catch_up(api)

    for number, page in enumerate(whole[:-1], start=1):
        assert ids(catch_up(api, page.checkpoint)) == ids(whole[number:])

    assert [len(page.events) for page in whole] == [100, 100, 50]


def test_a_marker_moves_the_offset_though_it_tells_nothing():
    (page,) = catch_up(stream(log(frame(1), marker(2))))

    assert page.checkpoint == "from:o-2"


def test_a_busy_tenant_is_left_as_soon_as_it_tells_what_is_newer_than_our_question():
    newer = {**payload("auth0", "user.created"), "id": "evt_new", "time": "2026-01-01T02:00:00.000Z"}
    api = stream(lambda _: [frame(1), frame(2, newer), frame(3)])

    pages = catch_up(api)

    assert ids(pages) == ["evt_1", "evt_new"]
    assert pages[-1].last


def test_a_stream_that_tells_nothing_and_never_falls_silent_comes_to_an_end():
    numbers = iter(range(1, 1_000))
    api = stream(lambda _: [marker(next(numbers)), b": heartbeat\n\n"])

    pages = catch_up(api)

    assert len(api.asked) == MOST_BARREN
    assert (ids(pages), pages[-1].last) == ([], True)


def test_without_the_sources_clock_one_connection_is_all():
    api = stream(lambda _: [frame(1)], date=None)

    assert catch_up(api)[-1].last
    assert len(api.asked) == 1


def test_an_expired_offset_is_given_up_for_the_cursor_and_said():
    past = log(frame(1))
    api = stream(lambda params: Gone("410", expired=True) if "from" in params else past(params))

    pages = catch_up(api, "from:o-900")

    assert ids(pages) == ["evt_1"]
    assert (pages[-1].last, pages[-1].gap) == (True, EXPIRED)
    assert "from_timestamp" in api.asked[1].params


def test_when_the_cursor_has_expired_too_what_can_be_listed_is_and_it_is_said():
    api = stream(lambda _: Gone("410", expired=True))

    pages = catch_up(api)

    assert "/api/v2/users" in api.paths()
    assert (pages[-1].last, pages[-1].gap) == (True, EXPIRED)


def test_a_tenant_without_the_events_api_is_listed_and_nothing_is_said():
    api = Answers(FALL_BACK)

    (page,) = catch_up(api)

    assert api.paths()[0] == PATH
    assert (page.last, page.gap) == (True, "")


def test_a_run_that_had_fallen_back_goes_on_with_its_listing():
    api = stream(log(frame(1)))

    catch_up(api, str(NOW))

    assert PATH not in api.paths()


def test_an_error_frame_ends_a_connection_and_not_the_run():
    error = b'event: error\ndata: {"error": "too slow"}\n\n'
    numbers = iter(range(1, 3))

    def tell(params: dict[str, Any]) -> Sequence[bytes]:
        number = next(numbers, None)
        return [frame(number), error, frame(9)] if number else [QUIET]

    pages = catch_up(stream(tell))

    assert ids(pages) == ["evt_1", "evt_2"]
    assert (pages[-1].last, pages[-1].gap) == (True, "")


def test_a_stream_that_tells_nothing_but_an_error_is_done_without():
    api = stream(lambda _: [b"event: error\ndata: {}\n\n"])

    pages = catch_up(api, "from:o-3")

    assert [asked.params.get("from") for asked in api.asked[:2]] == ["o-3", None]
    assert "/api/v2/users" in api.paths()
    assert pages[-1].gap == EXPIRED


@pytest.mark.parametrize(
    "broken",
    [
        b"event: user.created\nid: o-1\ndata: not json\n\n",
        b"event: user.created\nid: o-1\ndata: []\n\n",
        b'event: user.created\nid: o-1\ndata: {"offset": "o-1"}\n\n',
        b'event: user.created\nid: o-1\ndata: {"event": {"type": "user.created"}}\n\n',
        b"event: user.created\nid: o-1\ndata: " + b"x" * 1_100_000 + b"\n\n",
    ],
    ids=["not json", "no object", "no event", "no id", "too long"],
)
def test_an_event_that_cannot_be_read_stops_nothing_and_is_said(broken: bytes):
    pages = catch_up(stream(log(broken, frame(2))))

    assert ids(pages) == ["evt_2"]
    assert (pages[-1].checkpoint, pages[-1].gap) == ("from:o-2", UNREADABLE)


def test_a_user_who_cannot_be_understood_is_passed_over_as_in_every_feed():
    odd = {**payload("auth0", "user.updated"), "id": "evt_1"}
    odd["data"] = {"object": {**odd["data"]["object"], "blocked": "?"}}

    (page,) = catch_up(stream(log(frame(1, odd))))

    assert page.events[0].op is EventOp.IGNORE


def test_the_stream_is_the_tenants_own_even_where_its_events_do_not_name_it():
    nameless = {name: value for name, value in payload("auth0", "user.created").items() if name != "a0tenant"}

    (page,) = catch_up(stream(log(frame(1, nameless))), account="acme")

    assert page.events[0].entity == Entity(Kind.USER, nameless["data"]["object"]["user_id"])
    assert page.gap == ""


def test_a_test_event_of_the_stream_is_ignored():
    (page,) = catch_up(stream(log(frame(1, {**payload("auth0", "user.created"), "a0purpose": "test"}))))

    assert [event.op for event in page.events] == [EventOp.IGNORE]
