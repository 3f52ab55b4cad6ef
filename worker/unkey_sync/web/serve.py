"""Runs an ASGI application on uvicorn until a signal: ready line, drained shutdown, exit code."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import uvicorn

from unkey_sync.errors import Stop
from unkey_sync.web.protocol import GuardedConfig, Limits, reap

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

SPARE_FILES = 48
"""File descriptors kept for the database, logs and the listener."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where to listen and how.

    `port` 0 takes any free one. `drain_s`: how long shutdown waits for answers.
    """

    host: str = "127.0.0.1"
    port: int = 8787
    drain_s: int = 10
    limits: Limits = field(default_factory=Limits)


class Server(uvicorn.Server):
    """uvicorn with our slow-client protection. `on_ready` gets the URL once requests are answered."""

    def __init__(self, app: Any, listen: Listen, on_ready: Callable[[str], None]) -> None:
        limits = replace(listen.limits, connections=usable_connections(listen.limits.connections))
        super().__init__(GuardedConfig(app, limits, listen.drain_s))
        self._listen = listen
        self._on_ready = on_ready
        self._caught: list[int] = []
        self._reaper: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._reaper = asyncio.create_task(reap(self.server_state))
        self._on_ready(_url(self._listen.host, self.servers[0].sockets[0]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self._reaper is not None:
            self._reaper.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """As uvicorn, but a drained shutdown is a success: the signal is not raised again."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may listen to signals; whoever started us stops us
            return
        original = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in original.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second one does not wait."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._caught.append(sig)

    @property
    def exit_code(self) -> int:
        """0 after SIGTERM, 130 after Ctrl-C."""
        return 130 if self._caught[:1] == [signal.SIGINT] else 0


def run(app: Any, listen: Listen, on_ready: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. Raises `Stop` when the address cannot be used."""
    with bind(listen) as listener:
        server = Server(app, listen, on_ready)
        server.run(sockets=[listener])
        return server.exit_code


def bind(listen: Listen) -> socket.socket:
    """A listening socket. Raises `Stop` when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        return socket.create_server((listen.host, listen.port), family=family, backlog=2048)
    except OSError as error:
        where = f"{listen.host}:{listen.port}"
        raise Stop(f"Cannot listen on {where}: {error.strerror}. Choose another --port or --host.") from error


def usable_connections(wanted: int) -> int:
    """As many connections as file descriptors allow; raises the soft limit as far as the hard one permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = wanted + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < target:
        soft = target if hard == resource.RLIM_INFINITY else min(target, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - SPARE_FILES))


def _url(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
