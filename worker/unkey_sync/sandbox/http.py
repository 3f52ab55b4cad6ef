"""The little HTTP that the sandbox needs on top of ASGI: a request read whole, an answer sent whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import orjson

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 10 * 1024 * 1024
_READ = (b"authorization", b"content-type", b"accept", b"x-sandbox-node")


@dataclass(frozen=True, slots=True)
class Request:
    """`headers`: only those that anybody reads, lower-case.

    An oversized body arrives empty, as upstream sees it.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content_type: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_body(self, body: bytes, content_type: str | None = None, status: int | None = None) -> Answer:
        return Answer(status or self.status, content_type or self.content_type, body, self.headers)


def json_answer(data: Any, status: int = 200) -> Answer:
    return Answer(status, "application/json", orjson.dumps(data))


def text_answer(text: str, status: int, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", text.encode(), headers or {})


class Disconnected(Exception):  # noqa: N818
    """The client went away before its request was complete."""


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Raises `Disconnected`."""
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _READ}
    return Request(scope["method"], scope["path"], headers, await _read_body(receive))


async def _read_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks) if size <= MAX_BODY_BYTES else b""


def head_of(answer: Answer) -> MutableMapping[str, Any]:
    """The ASGI message that starts the answer."""
    fixed = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    extra = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    return {"type": "http.response.start", "status": answer.status, "headers": fixed + extra}


async def send_answer(send: Send, answer: Answer) -> None:
    await send(head_of(answer))
    await send({"type": "http.response.body", "body": answer.body})
