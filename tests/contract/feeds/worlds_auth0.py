"""Auth0's Management API and Events API as they are seen over HTTP.

The stream tells the past from an offset or an instant, then a heartbeat, then nothing more: a read would wait.
"""

from __future__ import annotations

import copy
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import httpx
import orjson
from unkey_sync.clock import SECOND
from unkey_sync_connectors.timestamps import to_iso, to_microseconds

from tests.contract.feeds.worlds import BEGAN_S
from tests.contract.feeds.worlds_auth import Answered, AuthWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.clock import Clock


class Told(httpx.SyncByteStream):
    """Frames, and then silence for longer than anybody waits; or the end, when Auth0 hangs up."""

    def __init__(self, frames: list[bytes], *, hangs_up: bool) -> None:
        self._frames = frames
        self._hangs_up = hangs_up

    def __iter__(self) -> Iterator[bytes]:
        yield b":connected\n\nretry: 2000\n\n"
        yield from self._frames
        if not self._hangs_up:
            raise httpx.ReadTimeout("nothing more to tell")


class Auth0World(AuthWorld):
    """`streams`: the tenant has the Events API. `expired`: it no longer has what it is asked for. `at_once`: frames
    after which Auth0 hangs up.
    """

    kind = "auth0"
    streams = True
    expired: frozenset[str] = frozenset()
    at_once = 1_000

    def __init__(self, clock: Clock, count: int) -> None:
        super().__init__(clock, count)
        self.routes = {
            "/api/v2/users": self._users,
            "/api/v2/organizations": lambda _: {"organizations": []},
            "/api/v2/events": self._stream,
            "/api/v2/event-streams": lambda _: {"eventStreams": []},
        }

    def entry(self, what: str, user_id: str, at_s: int) -> dict[str, Any]:
        event = copy.deepcopy(dict(self.samples["user.deleted" if what == "removed" else "user.updated"]))
        event.update(
            id=f"evt_{len(self.log)}", time=to_iso(at_s * SECOND), data={"object": self.user(user_id)}
        )
        return event

    def user(self, user_id: str) -> dict[str, Any]:
        own = {
            "user_id": user_id,
            "blocked": user_id in self.blocked,
            "updated_at": self.updated_iso(user_id),
        }
        created = to_iso((BEGAN_S + int(user_id.removeprefix("user_"))) * SECOND)
        return {**self.samples["user.created"]["data"]["object"], **own, "created_at": created}

    def _users(self, params: httpx.QueryParams) -> list[dict[str, Any]]:
        by, _, span = params["q"].partition(":")
        since, start = span[1:].partition(" ")[0], int(params["page"]) * int(params["per_page"])
        self.refuse(unless=start + int(params["per_page"]) <= 1_000, why="a search shows 1,000 users")
        rows = [self.user(one) for one in self.ids]
        found = sorted(
            (one for one in rows if since == "*" or one[by] >= since), key=lambda one: str(one[by])
        )
        return found[start : start + int(params["per_page"])]

    def _stream(self, params: httpx.QueryParams) -> Any:
        if not self.streams:
            return None
        self.refuse(
            unless=not ("from" in params and "from_timestamp" in params), why="from or from_timestamp"
        )
        if self.expired & set(params.keys()):
            raise Answered(self.answer(410, {"message": "offset expired"}))
        start = int(params["from"]) + 1 if "from" in params else self._first(params["from_timestamp"])
        wanted = set(params.get_list("event_type"))
        entries = enumerate(self.log)
        frames = [_frame(number, one) for number, one in entries if number >= start and one["type"] in wanted]
        date = formatdate(self.clock.now() // SECOND, usegmt=True)
        told = Told(frames[: self.at_once], hangs_up=len(frames) > self.at_once or not self.at_once)
        raise Answered(httpx.Response(200, headers={"date": date}, stream=told))

    def _first(self, since: str) -> int:
        floor = to_microseconds(since)
        return next(
            (number for number, one in enumerate(self.log) if to_microseconds(one["time"]) >= floor),
            len(self.log),
        )


def _frame(number: int, event: dict[str, Any]) -> bytes:
    data = orjson.dumps({"offset": str(number), "event": event}).decode()
    return f"event: {event['type']}\nid: {number}\ndata: {data}\n\n".encode()
