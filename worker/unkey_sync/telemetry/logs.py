"""structlog and the standard library's loggers, through one chain: throttle, redact, render, write.

JSON lines for machines, short lines for people; always UTC with milliseconds; always on the stream that is
given.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from unkey_sync.telemetry.redaction import Redactor
from unkey_sync.telemetry.sink import LogSink
from unkey_sync.telemetry.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping
    from typing import TextIO

    from unkey_sync.clock import Clock

    Event = MutableMapping[str, Any]
    Processor = Callable[[Any, str, Event], Any]

KEYS: Final = (
    "ts", "level", "event", "logger", "version", "role", "source", "event_id", "subject_key", "attempt",
    "outcome", "duration_ms", "error_code", "trace_id",
)  # fmt: skip
"""The fixed keys, in the order in which they are written."""
QUIET: Final = ("httpx", "httpcore", "urllib3", "uvicorn.access", "asyncio", "celery", "kombu", "alembic")
"""Foreign loggers that are heard from WARNING on: httpx logs whole URLs at INFO."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """How to log. `level`: DEBUG, INFO, WARNING or ERROR. `style`: json or console."""

    level: str = "INFO"
    style: str = "json"
    role: str = ""
    version: str = ""


@contextlib.contextmanager
def logging_to(
    stream: TextIO, options: LogOptions, secrets: Iterable[str], clock: Clock
) -> Iterator[LogSink]:
    """Send all logs of this process to `stream` until the end of the block.

    Known `secrets` never get there.
    """
    sink = LogSink(stream)
    chain = _chain(options, Redactor(secrets), clock)
    bridge = _Bridge(chain, sink)
    _configure_structlog(options, chain, sink)
    _configure_standard(options, bridge)
    try:
        yield sink
    finally:
        structlog.reset_defaults()
        logging.getLogger().removeHandler(bridge)
        sink.close()


def _chain(options: LogOptions, redactor: Redactor, clock: Clock) -> list[Processor]:
    def stamp(logger: Any, method: str, event: Event) -> Event:
        instant = _EPOCH + timedelta(microseconds=clock.now())
        event["ts"] = instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event.setdefault("level", method)
        event.setdefault("logger", getattr(logger, "name", ""))
        event.setdefault("role", options.role)
        event.setdefault("version", options.version)
        return event

    return [
        structlog.contextvars.merge_contextvars,
        stamp,
        Throttle(clock),
        structlog.processors.format_exc_info,
        redactor,
        render_json if options.style == "json" else render_line,
    ]


def render_json(_logger: Any, _method: str, event: Event) -> str:
    """One JSON object per line, the fixed keys first, empty ones left out."""
    ordered = {key: event[key] for key in KEYS if event.get(key) not in (None, "")}
    ordered |= {key: value for key, value in event.items() if key not in KEYS}
    return orjson.dumps(ordered).decode()


def render_line(_logger: Any, _method: str, event: Event) -> str:
    """`12:00:00.000 INFO event key=value ...`, a traceback below."""
    hidden = {"ts", "level", "event", "logger", "version", "role", "exception"}
    details = "".join(f" {key}={_one_line(value)}" for key, value in event.items() if key not in hidden)
    trace = f"\n{event['exception']}" if "exception" in event else ""
    head = f"{event['ts'][11:23]} {event['level'].upper():<7} {_one_line(event['event'])}"
    return f"{head}{details}{trace}"


def _one_line(value: Any) -> str:
    """A forged line break must not look like a log line of ours."""
    text = str(value)
    return text if text.isprintable() else ascii(text)


def _configure_structlog(options: LogOptions, chain: list[Processor], sink: LogSink) -> None:
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(options.level)),
        logger_factory=lambda name="unkey_sync": _SinkLogger(sink, name),
        cache_logger_on_first_use=False,
    )


def _configure_standard(options: LogOptions, bridge: logging.Handler) -> None:
    root = logging.getLogger()
    root.handlers[:] = [bridge]
    root.setLevel(options.level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _SinkLogger:
    """What structlog calls with the rendered line."""

    def __init__(self, sink: LogSink, name: str) -> None:
        self.name = name
        self._sink = sink

    def msg(self, line: str) -> None:
        self._sink.write(line)

    debug = info = warning = error = critical = exception = msg


class _Bridge(logging.Handler):
    """Records of libraries, through the same chain."""

    def __init__(self, chain: list[Processor], sink: LogSink) -> None:
        super().__init__()
        self._chain = chain
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        event: Any = {
            "event": record.getMessage(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "cause": record.msg,
        }
        if record.exc_info:
            event["exc_info"] = record.exc_info
        try:
            for process in self._chain:
                event = process(None, record.levelname.lower(), event)
        except structlog.DropEvent:
            return
        self._sink.write(event)
