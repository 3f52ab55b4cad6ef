"""The sandbox in a thread of this process: for tests, demos and the all-in-one service."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync.clock import Clock, SystemClock
from unkey_sync.sandbox.build import create_app
from unkey_sync.sandbox.seed import Names, Seed, names
from unkey_sync.sandbox.server import SandboxServer, listen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_START_S = 30


@dataclass(frozen=True, slots=True)
class Running:
    """`made`: the root keys' texts and the ids of seeded objects, by name."""

    url: str
    made: Names


@contextmanager
def in_background(
    seed: Seed | None = None, clock: Clock | None = None, state_file: Path | None = None
) -> Iterator[Running]:
    """A sandbox on a free local port for as long as the block runs. Raises `ConfigError`."""
    seed = seed or Seed()
    app = create_app(seed, clock or SystemClock(), state_file)
    urls: list[str] = []
    up = threading.Event()

    def ready(url: str) -> None:
        urls.append(url)
        up.set()

    server = SandboxServer(app, listen("127.0.0.1", 0), ready)
    thread = threading.Thread(target=server.serve_until_told, name="unkey-sandbox", daemon=True)
    thread.start()
    try:
        if not up.wait(_START_S):
            raise TimeoutError(f"the sandbox did not answer within {_START_S} s")
        yield Running(urls[0], names(app.world.state, seed))
    finally:
        server.should_exit = True
        thread.join(_START_S)
