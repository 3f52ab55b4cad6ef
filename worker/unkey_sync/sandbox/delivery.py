"""Carries out what the fault rules decided: waits, refuses in Unkey's form, breaks answers and connections.

Breaking a connection needs the server's transport (see `server.py`); without one the client sees a failed
call.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Protocol

import orjson

from unkey_sync.sandbox.envelope import refusal
from unkey_sync.sandbox.errors import Problem, too_many_requests, unexpected
from unkey_sync.sandbox.faults import Kind, Rule, When
from unkey_sync.sandbox.http import Answer, Disconnected, Receive, Scope, Send, head_of, send_answer
from unkey_sync.sandbox.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TRANSPORT = "unkey_sync.transport"
"""Scope member under which the server hands over a connection's transport."""

_SILENT = (Kind.DROP, Kind.HANG)
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class ConnectionBroken(ConnectionError):  # noqa: N818
    """The call was to lose its connection, and there is no transport to break (in-process use)."""


class Connection:
    """One request's line to the client."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send

    async def answer(self, answer: Answer) -> None:
        await send_answer(self._send, answer)

    async def wait(self, seconds: float) -> None:
        """Raises `Disconnected` as soon as the client gives up."""
        try:
            await asyncio.wait_for(self._gone(), seconds)
        except TimeoutError:
            return
        raise Disconnected

    async def hang(self) -> None:
        await self._gone()
        raise Disconnected

    async def drop(self, how: str) -> None:
        """End the connection without another byte: `rst` or `fin`. Raises `Disconnected`."""
        transport = self._transport()
        if how == "rst":
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        else:
            transport.close()
        await self._gone()
        raise Disconnected

    async def cut(self, answer: Answer) -> None:
        """Send half of the body, then end the connection. Raises `Disconnected`."""
        transport = self._transport()
        await self._send(head_of(answer))
        half = answer.body[: len(answer.body) // 2]
        await self._send({"type": "http.response.body", "body": half, "more_body": True})
        transport.close()
        await self._gone()
        raise Disconnected

    def _transport(self) -> asyncio.Transport:
        transport: asyncio.Transport | None = self._scope.get(TRANSPORT)
        if transport is None:
            raise ConnectionBroken("the sandbox was told to break this connection")
        return transport

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


class Work(Protocol):
    """One call, as delivery sees it."""

    @property
    def accept(self) -> str: ...

    def done(self, fault: str | None) -> Answer:
        """Do it; `fault`: what will happen to its answer."""

    def undone(self, fault: str, status: int | None) -> None:
        """It never happens; `status`: what the client is told, None for nothing at all."""


async def deliver(connection: Connection, rules: Sequence[Rule], work: Work) -> None:
    """One call with its faults. Raises `Disconnected`."""
    ending = next((rule for rule in rules if rule.kind is not Kind.LATENCY), None)
    try:
        await _wait(connection, rules, When.BEFORE)
    except Disconnected:
        work.undone(Kind.LATENCY, None)
        raise
    if ending is not None and ending.when is When.BEFORE:
        answer = _replaced(ending, _untouched(work.accept))
        work.undone(ending.kind, None if ending.kind in _SILENT else answer.status)
    else:
        answer = work.done(ending.kind if ending else None)
        await _wait(connection, rules, When.AFTER)
        answer = _replaced(ending, answer) if ending else answer
    await (_break(connection, ending, answer) if ending else connection.answer(answer))


async def _wait(connection: Connection, rules: Sequence[Rule], when: When) -> None:
    delay_s = sum(rule.delay_s for rule in rules if rule.kind is Kind.LATENCY and rule.when is when)
    if delay_s:
        await connection.wait(delay_s)


def _untouched(accept: str) -> Answer:
    """The answer to be broken when the call was never done."""
    return refusal(unexpected("").problem, new_id("req"), accept, {})


async def _break(connection: Connection, rule: Rule, answer: Answer) -> None:
    if rule.kind is Kind.DROP:
        await connection.drop(rule.how)
    elif rule.kind is Kind.HANG:
        await connection.hang()
    elif rule.kind is Kind.TRUNCATE:
        await connection.cut(answer)
    else:
        await connection.answer(answer)


def _replaced(rule: Rule, answer: Answer) -> Answer:
    """Another answer in place of the right one, for the faults that answer at all."""
    replacements: dict[Kind, Callable[[], Answer]] = {
        Kind.HTML: lambda: answer.with_body(_HTML, "text/html", rule.status),
        Kind.NOT_JSON: lambda: answer.with_body(b"upstream connect error", "application/json", rule.status),
        Kind.WRONG_TYPE: lambda: answer.with_body(orjson.dumps(["unexpected"]), "application/json", 200),
        Kind.RATE_LIMITED: lambda: refusal(_rate_limited(rule), new_id("req"), "*/*", {}),
        Kind.SERVER_ERROR: lambda: refusal(_server_error(rule), new_id("req"), "*/*", {}),
    }
    return replacements.get(rule.kind, lambda: answer)()


def _rate_limited(rule: Rule) -> Problem:
    seconds = {"Retry-After": str(rule.retry_after_s)} if rule.retry_after_s is not None else {}
    detail = "This workspace has exceeded its API rate limit of 0/1m0s. Please try again later."
    return too_many_requests(detail, seconds).problem


def _server_error(rule: Rule) -> Problem:
    kind = "unkey/application/service_unavailable"
    return Problem(rule.status, "Internal Server Error", kind, "The sandbox was told to fail here.")
