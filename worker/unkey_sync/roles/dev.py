"""dev: receiver, worker, scheduler and, where no root key is configured, a sandbox Unkey, all in one process."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from unkey_sync import celery_app
from unkey_sync.bell import Bell
from unkey_sync.clock import SystemClock
from unkey_sync.errors import Stop
from unkey_sync.roles.receiver import create_receiver, listen
from unkey_sync.roles.scheduler import Scheduler
from unkey_sync.roles.worker import Worker
from unkey_sync.sandbox.build import create_app
from unkey_sync.sandbox.seed import MigrationSeed, Seed, names
from unkey_sync.sandbox.server import SandboxServer
from unkey_sync.sandbox.server import listen as listen_for_sandbox
from unkey_sync.web.serve import run as serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unkey_sync.wiring import Runtime

_START_S = 10.0


@dataclass(slots=True)
class DevSandbox:
    """A sandbox in a thread of this process."""

    state: Path | None = None
    url: str = ""
    root_key: str = field(default="", repr=False)
    api_id: str = ""
    migration_id: str = ""
    _server: SandboxServer | None = None
    _thread: threading.Thread | None = None

    def start(self, port: int = 0) -> None:
        """Returns once it answers. Raises Stop when it does not."""
        seed = Seed(migrations=(MigrationSeed(name="dev", algorithm="sha256"),))
        app = create_app(seed, SystemClock(), self.state)
        made = names(app.world.state, seed)
        self.root_key, self.api_id = made.root_keys["full"], made.apis["main"]
        self.migration_id = made.migrations["dev"]
        ready = threading.Event()

        def on_ready(url: str) -> None:
            self.url = url
            ready.set()

        self._server = SandboxServer(app, listen_for_sandbox("127.0.0.1", port), on_ready)
        self._thread = threading.Thread(target=self._server.serve_until_told, name="sandbox", daemon=True)
        self._thread.start()
        if not ready.wait(_START_S):
            raise Stop("the sandbox did not start")

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=5)

    def flags(self) -> dict[tuple[str, ...], Any]:
        """Settings that point the service at this sandbox."""
        return {
            ("unkey", "root_key"): self.root_key,
            ("unkey", "base_url"): self.url,
            ("unkey", "api_id"): self.api_id,
            ("unkey", "migration_id"): self.migration_id,
        }


class House:
    """Worker, scheduler and in-process consumer of one `dev` process."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.worker = Worker(runtime)
        self.bell = Bell(celery_app.nudge(self.worker.app), runtime.clock, celery_app.BROKER_FAILURES)
        self.scheduler = Scheduler(runtime, self.bell.ring)
        self._consumer = self.worker.app.WorkController(pool="threads", concurrency=2)
        self._threads = [
            threading.Thread(target=self._consumer.start, name="consumer", daemon=True),
            threading.Thread(target=self.scheduler.run, name="scheduler", daemon=True),
        ]

    def start(self) -> None:
        self.worker.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self.scheduler.stop.set()
        self._consumer.stop()
        self.bell.close()
        self.worker.stop()


def run(runtime: Runtime, on_ready: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    house = House(runtime)
    house.start()
    try:
        return serve(create_receiver(runtime, house.bell.ring), listen(runtime), on_ready)
    finally:
        house.stop()
