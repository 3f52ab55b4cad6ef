"""The sandbox as a process or a thread:
uvicorn, with the connection's transport handed to the app for its faults.
"""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from unkey_sync.clock import Clock, SystemClock
from unkey_sync.errors import ConfigError
from unkey_sync.sandbox.build import create_app
from unkey_sync.sandbox.delivery import TRANSPORT
from unkey_sync.sandbox.seed import Names, Seed, names, read_seed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unkey_sync.sandbox.app import App

_IDLE_S = 10  # upstream closes idle keep-alive connections after this long


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """`port` 0: any free one. `seed`, `state`: paths; None for the default seed and for memory only."""

    host: str = "127.0.0.1"
    port: int = 0
    seed: Path | None = None
    state: Path | None = None


class _Protocol(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)[TRANSPORT] = self.transport


class SandboxServer(uvicorn.Server):
    """Calls `ready` with the URL once it answers. Runs in any thread; `should_exit` ends it."""

    def __init__(self, app: App, listener: socket.socket, ready: Callable[[str], None]) -> None:
        super().__init__(
            uvicorn.Config(
                cast("Any", app),
                http=_Protocol,
                lifespan="on",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_keep_alive=_IDLE_S,
                timeout_graceful_shutdown=1,
            )
        )
        self._listener = listener
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self._listener.getsockname()[:2]
        self._ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    def serve_until_told(self) -> None:
        self.run(sockets=[self._listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `ConfigError` if the address cannot be used."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as problem:
        listener.close()
        raise ConfigError(f"cannot listen on {host}:{port}: {problem.strerror}") from problem
    return listener


def run(options: SandboxOptions, clock: Clock | None = None) -> None:
    """Serve until a signal; the ready line goes to stdout. Raises `ConfigError`."""
    seed = read_seed(options.seed) if options.seed else Seed()
    app = create_app(seed, clock or SystemClock(), options.state)

    def ready(url: str) -> None:
        sys.stdout.write(ready_line(url, names(app.world.state, seed)) + "\n")
        sys.stdout.flush()

    SandboxServer(app, listen(options.host, options.port), ready).serve_until_told()


def ready_line(url: str, made: Names) -> str:
    return json.dumps(
        {
            "event": "ready",
            "url": url,
            "root_keys": made.root_keys,
            "apis": made.apis,
            "migrations": made.migrations,
        }
    )
