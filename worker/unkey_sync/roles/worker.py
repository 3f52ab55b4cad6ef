"""The worker: a Celery consumer that answers nudges, a sweeper that does not depend on it, hand-overs of keys."""

from __future__ import annotations

import os
import random
import signal
import threading
from typing import TYPE_CHECKING

import structlog
from celery.signals import worker_ready, worker_shutting_down

from unkey_sync import celery_app, tasks
from unkey_sync.engine.canary import Canary
from unkey_sync.engine.sweeper import Sweeper
from unkey_sync.errors import SyncError
from unkey_sync.roles.probe import Probe
from unkey_sync.roles.start import adopt_policy, check_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from celery import Celery

    from unkey_sync.wiring import Runtime


class Worker:
    """Everything of a worker but its Celery consumer: usable in a process of its own or inside `dev`."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        check_schema(runtime)
        adopt_policy(runtime)
        self.app: Celery = celery_app.create_app(runtime.settings.broker.url.get_secret_value())
        interval_s = runtime.settings.timings.sweep_interval_s
        own_queue = celery_app.listen_on(self.app, runtime.drain_config.owner)
        failures = celery_app.BROKER_FAILURES
        self.canary = Canary(celery_app.ping(self.app, own_queue), runtime.clock, failures)
        self.sweeper = Sweeper(
            runtime.drain(), runtime.clock, interval_s, random.random, runtime.counter_of("sweep")
        )
        tasks.register(self.app, self.sweeper, self.canary)
        self.failed = False
        self._log = structlog.stdlib.get_logger("unkey_sync.worker")
        self.handovers = runtime.handovers()
        self.watch = runtime.watch()
        self._threads = [
            threading.Thread(target=self.sweeper.run, name="sweeper", daemon=True),
            threading.Thread(target=self.handovers.run, name="handovers", daemon=True),
            threading.Thread(target=self.watch.run, name="watch", daemon=True),
        ]
        # Never joined: it may hang in a broker that hangs.
        self._watcher = threading.Thread(
            target=self.canary.watch, args=(self.sweeper.stop, self._restart), name="canary", daemon=True
        )

    def start(self) -> None:
        self._keep_roles()
        for thread in (*self._threads, self._watcher):
            thread.start()

    def _keep_roles(self) -> None:
        """Keys cannot be given roles that do not exist. A failure is no reason not to start."""
        try:
            self.runtime.role_keeper.run_once()
        except SyncError as error:
            self._log.warning("roles_not_kept", error_code=error.code, error=str(error))

    def _restart(self) -> None:
        """A process whose consumer is deaf ends, and its supervisor starts another."""
        self._log.error("consumer_deaf")
        self.failed = True
        os.kill(os.getpid(), signal.SIGTERM)

    def stop(self) -> None:
        """Finish what is under way, give the rest back."""
        for one in (self.handovers, self.watch, self.sweeper):
            one.stop.set()
        for thread in self._threads:
            thread.join(timeout=60)
        self.sweeper.close()
        self.runtime.close()


def run(runtime: Runtime, on_ready: Callable[[str], None]) -> int:
    """One worker process until SIGTERM or SIGINT; the exit code. `on_ready`: with the URL, if it listens."""
    early: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        """Until Celery has its own handler: no turn is killed half-way, and the wish to stop is not lost."""
        early.append(number)

    def repeat(**_: object) -> None:
        if early:
            os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, remember)
    worker_ready.connect(repeat)
    worker = Worker(runtime)
    probe = Probe(runtime, on_ready)
    probe.start()
    received: list[int] = []

    def stop_claiming(sig: str, **_: object) -> None:
        worker.sweeper.stop.set()
        received.append(signal.Signals[sig].value if sig in signal.Signals.__members__ else 0)

    worker_shutting_down.connect(stop_claiming)
    worker.start()
    consumer = worker.app.Worker(
        pool="threads", without_gossip=True, without_mingle=True, quiet=True, loglevel="WARNING"
    )
    if not early:
        consumer.start()
    worker.stop()
    probe.stop()
    if worker.failed:
        return 1
    return 130 if signal.SIGINT in received else int(consumer.exitcode or 0)
