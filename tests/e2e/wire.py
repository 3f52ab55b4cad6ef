"""A TCP proxy that knows where messages end: it counts them, and kills a process between two of them.

Borders: PostgreSQL frontend messages, RESP commands, HTTP/1.1 requests. One thread serves all proxies, so messages
of all connections have one order.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

_STARTUP = 196_608
_CHUNK = 65_536


class Splitter(Protocol):
    """Cuts a client's bytes into messages: (label, bytes) of each complete one."""

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]: ...


class Plain:
    """Knows no borders: whatever arrives together is one message."""

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        yield "bytes", data


class _Buffered:
    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        self._buffer += data
        while (size := self._size()) and size <= len(self._buffer):
            message, self._buffer = self._buffer[:size], self._buffer[size:]
            yield self._label(message), message

    def _size(self) -> int:
        """Length of the first message; 0 while that cannot be known."""
        raise NotImplementedError

    def _label(self, message: bytes) -> str:
        raise NotImplementedError


class PostgreSQL(_Buffered):
    """The first messages of a connection carry no type; the last of them is the start-up message."""

    def __init__(self) -> None:
        super().__init__()
        self._started = False

    def _size(self) -> int:
        start = 1 if self._started else 0
        if len(self._buffer) < start + 4:
            return 0
        return start + int.from_bytes(self._buffer[start : start + 4], "big")

    def _label(self, message: bytes) -> str:
        if not self._started:
            self._started = int.from_bytes(message[4:8], "big") == _STARTUP
            return "pg start"
        text = message[5:].replace(b"\0", b" ").split()
        return (
            f"pg {message[:1].decode()} {text[0].decode() if message[:1] in b'QP' and text else ''}".strip()
        )


class Resp(_Buffered):
    """Commands as redis clients send them: arrays of bulk strings."""

    def _size(self) -> int:
        line, end, _ = self._buffer.partition(b"\r\n")
        at = len(line) + 2
        for _ in range(int(line[1:]) if end else 0):
            head, found, _ = self._buffer[at:].partition(b"\r\n")
            if not found:
                return 0
            at += len(head) + 2 + int(head[1:]) + 2
        return at if end else 0

    def _label(self, message: bytes) -> str:
        return "redis " + message.split(b"\r\n", 3)[2].decode()


class Http(_Buffered):
    """Requests with a Content-Length."""

    def _size(self) -> int:
        head, end, _ = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return 0
        fields = [line.partition(b":") for line in head.lower().split(b"\r\n")[1:]]
        length = next((int(value) for name, _, value in fields if name == b"content-length"), 0)
        return len(head) + 4 + length

    def _label(self, message: bytes) -> str:
        return "http " + message.split(b" ", 2)[1].decode().removeprefix("/v2/")


class When(StrEnum):
    BEFORE = "before"
    """The message never leaves."""
    AFTER = "after"
    """The message has left; its answer never arrives."""
    ANSWERED = "answered"
    """The server has answered; the answer never arrives."""


@dataclass(frozen=True, slots=True)
class Strike:
    """Kill `pid` at message number `at` (from 1) of those that `label` begins with. None: only end the connection."""

    pid: int | None
    at: int
    when: When
    label: str = ""


class Watch:
    """What passes, since the last `watch` or `aim`; and the blow that falls at the chosen message."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.struck: str | None = None
        """The message at which the blow fell."""
        self._strike: Strike | None = None
        self._answers: list[bytes] = []
        self._falling = False
        self._lock = threading.Lock()

    def aim(self, strike: Strike | None) -> None:
        """Count from zero; strike once, or never."""
        with self._lock:
            self.seen, self.struck, self._strike, self._falling = [], None, strike, False

    def leaves(self, label: str) -> bool:
        """False when the message must not leave, as its sender is dead."""
        with self._lock:
            self.seen.append(label)
            return not self._is_time(label, When.BEFORE)

    def left(self, label: str) -> bool:
        """False when the sender is dead now."""
        with self._lock:
            return not self._is_time(label, When.AFTER)

    def comes(self, data: bytes) -> bool:
        """False when the answer must not arrive, as its reader is dead."""
        with self._lock:
            self._answers = [*self._answers[-50:], data]
            return not (self._falling and self._blow("answer"))

    def answered(self, text: bytes) -> bool:
        """True when the far side sent this lately."""
        return any(text in data for data in self._answers)

    def wait_for(self, text: bytes, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.answered(text) and time.monotonic() < until:
            time.sleep(0.02)

    def _is_time(self, label: str, when: When) -> bool:
        strike = self._strike
        if strike is None or not label.startswith(strike.label):
            return False
        if sum(one.startswith(strike.label) for one in self.seen) != strike.at:
            return False
        if strike.when is When.ANSWERED:
            self._falling = when is When.AFTER
            return False
        return strike.when is when and self._blow(label)

    def _blow(self, label: str) -> bool:
        assert self._strike is not None
        if self._strike.pid is not None:
            os.kill(self._strike.pid, signal.SIGKILL)
        self.struck, self._strike, self._falling = label, None, False
        return True


class Proxy:
    """Listens on `port` of 127.0.0.1 and speaks to `target` there. May be cut and opened again."""

    def __init__(self, target: int, splitter: Callable[[], Splitter], watch: Watch) -> None:
        self._target = target
        self._splitter = splitter
        self._watch = watch
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.open()

    def open(self) -> None:
        self._run(self._listen())

    def cut(self) -> None:
        """Refuse new connections and end those that stand."""
        self._run(self._stop())

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers |= {writer, up_writer}
            answers = asyncio.create_task(self._back(up_reader, writer))
            with suppress(OSError):
                await self._forth(reader, up_writer)
            # What has left is still carried out: the server sees an orderly end after it.
            await self._end(up_writer)
            with suppress(OSError):
                await answers
        await self._end(writer)

    async def _forth(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        splitter = self._splitter()
        while data := await reader.read(_CHUNK):
            for label, message in splitter.feed(data):
                if not self._watch.leaves(label):
                    return
                writer.write(message)
                await writer.drain()
                if not self._watch.left(label):
                    return

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            if self._watch.comes(data):
                writer.write(data)
                await writer.drain()
        await self._end(writer)

    async def _end(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
