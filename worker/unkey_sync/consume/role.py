"""The consumer role: one thread per configured queue, until told to stop. One that breaks ends them all."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from unkey_sync.bell import bell_for
from unkey_sync.consume.connecting import connector_of
from unkey_sync.consume.loop import Consumer, Parts
from unkey_sync.consume.reading import Reader
from unkey_sync.errors import ConfigError
from unkey_sync.roles.probe import Probe
from unkey_sync.roles.start import check_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync.settings.queues import QueueSettings
    from unkey_sync.wiring import Runtime


@dataclass(frozen=True, slots=True)
class Announce:
    """`ready` is told of the queues, `listening` of the URL for /metrics and probes, if there is one."""

    ready: Callable[[Sequence[str]], None]
    listening: Callable[[str], None]


def run(runtime: Runtime, names: Sequence[str], announce: Announce) -> int:
    """Consume the named queues (all when none is named) until SIGTERM or SIGINT; the exit code."""
    chosen = choose(runtime, names)
    check_schema(runtime)
    stop, received = threading.Event(), list[int]()

    def on_signal(number: int, _frame: object) -> None:
        received.append(number)
        stop.set()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, on_signal)
    probe = Probe(runtime, announce.listening)
    probe.start()
    bell = bell_for(runtime)
    consumers = [Consumer(parts_of(runtime, name, bell.ring, stop)) for name in chosen]
    announce.ready(chosen)
    healthy = run_all(consumers, stop)
    bell.close()
    probe.stop()
    if not healthy:
        return 1
    return 130 if signal.SIGINT in received else 0


def choose(runtime: Runtime, names: Sequence[str]) -> list[str]:
    """Raises ConfigError: nothing to consume, an unknown queue, or a queue for a source that is not configured."""
    queues = runtime.settings.queues
    chosen = list(names) or sorted(queues)
    if not chosen:
        raise ConfigError("no queue is configured; add a section [queues.NAME] to the config file")
    for name in chosen:
        if name not in queues:
            raise ConfigError(f"no queue {name!r}; configured: {', '.join(sorted(queues)) or 'none'}")
        if queues[name].source not in runtime.settings.sources:
            raise ConfigError(f"queues.{name}.source: no source {queues[name].source!r} is configured")
    return chosen


def parts_of(runtime: Runtime, name: str, ring: Callable[[], None], stop: threading.Event) -> Parts:
    """What the consumer of one queue needs."""
    settings = runtime.settings.queues[name]
    return Parts(
        name=name,
        connect=connector_of(settings),
        reader=reader_of(runtime, settings),
        accept=runtime.inbox.accept,
        ring=ring,
        metrics=runtime.metrics.receiver,
        clock=runtime.clock,
        stop=stop,
    )


def reader_of(runtime: Runtime, settings: QueueSettings) -> Reader:
    return Reader(
        source=settings.source,
        connector=runtime.connectors[settings.source],
        clock=runtime.clock,
        form=settings.format,
        verify=settings.verify,
        body_limit=runtime.settings.web.body_limit_bytes,
    )


def run_all(consumers: Sequence[Consumer], stop: threading.Event) -> bool:
    """Run each in a thread of its own; False when one broke, which stops the others."""
    with ThreadPoolExecutor(len(consumers), thread_name_prefix="consume") as threads:
        running = [threads.submit(consumer.run) for consumer in consumers]
        for one in running:
            one.add_done_callback(lambda _: stop.set())
    broken = [error for one in running if (error := one.exception()) is not None]
    log = structlog.stdlib.get_logger("unkey_sync.consume")
    for error in broken:
        log.error("consumer_broke", error=type(error).__name__, exc_info=error)
    return not broken
