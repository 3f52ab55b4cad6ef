"""Answers as values, and how they are written to ASGI. Bodies are JSON, lengths are always stated."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from unkey_sync_connectors.base import Answer

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer, ready to send any number of times."""

    start: Mapping[str, Any]
    content: Mapping[str, Any]

    @property
    def status(self) -> int:
        return int(self.start["status"])

    async def send(self, send: Send) -> None:
        # Copies: servers may write into the messages they are given.
        await send(dict(self.start))
        await send(dict(self.content))

    async def send_then_close(self, send: Send, linger_s: float) -> None:
        """Answer a request whose body we do not read, and close a moment later.

        Closing at once would reset the connection, and most senders would see the reset instead of the
        answer.
        The server stops reading meanwhile; nothing is waited for but time.
        """
        await send(dict(self.start))
        await send({**self.content, "more_body": True})
        await asyncio.sleep(linger_s)
        await send({"type": "http.response.body", "body": b""})

    def as_app(self) -> ASGIApp:
        """An application that answers this, whatever it is asked."""

        async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
            await self.send(send)

        return app


def reply(status: int, body: bytes, headers: Mapping[str, str]) -> Reply:
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    if status != 204:
        lines.append((b"content-length", str(len(body)).encode()))
    return Reply(
        {"type": "http.response.start", "status": status, "headers": lines},
        {"type": "http.response.body", "body": body},
    )


def from_answer(answer: Answer) -> Reply:
    return reply(answer.status, answer.body, answer.headers)


def error(status: int, code: str, message: str, **headers: str) -> Reply:
    """A refusal. Header names are given with underscores: `retry_after="5"`."""
    body = orjson.dumps({"error": {"code": code, "message": message}})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return reply(status, body, {"content-type": "application/json", **named})


UNAUTHORIZED = error(401, "unauthorized", "No such source, or the signature does not match.")
"""One body for both, so that nobody can find out which sources exist."""
MALFORMED = error(400, "malformed", "The body is not an event.")
NOT_ALLOWED = error(405, "method_not_allowed", "Use POST.", allow="POST", connection="close")
TOO_LARGE = error(413, "too_large", "The body is larger than allowed.", connection="close")
UNSUPPORTED = error(415, "unsupported_media_type", "Send uncompressed JSON.", connection="close")
UNAVAILABLE = error(503, "unavailable", "The event could not be stored. Deliver it again.", retry_after="5")
OVERLOADED = error(503, "overloaded", "Too many requests at once.", retry_after="5", connection="close")
HEADERS_TOO_LARGE = error(
    431, "headers_too_large", "The headers are larger than allowed.", connection="close"
)
OLD_HTTP = error(400, "http_version", "Speak HTTP/1.1.", connection="close")
