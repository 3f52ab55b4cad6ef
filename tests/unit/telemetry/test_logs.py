"""Log lines: their keys, what never gets into them, and that writing them never blocks or floods."""

from __future__ import annotations

import io
import json
import logging
import os
import threading
from typing import Any

import pytest
import structlog
from unkey_sync.clock import FakeClock
from unkey_sync.settings import load_settings
from unkey_sync.telemetry.logs import LogOptions, logging_to
from unkey_sync.telemetry.redaction import MASK, Redactor, secrets_of
from unkey_sync.telemetry.sink import LogSink

SECRET = "correct-horse-battery"


def lines(act: Any, clock: FakeClock | None = None, **options: Any) -> list[Any]:
    stream = io.StringIO()
    chosen = LogOptions(role="serve", version="1.2.3", **options)
    with logging_to(stream, chosen, [SECRET], clock or FakeClock()):
        act()
    written = stream.getvalue().splitlines()
    return [json.loads(line) for line in written] if chosen.style == "json" else written


def test_a_line_has_the_fixed_keys_first_and_utc_milliseconds():
    (line,) = lines(lambda: structlog.get_logger("x").info("stored", zebra=1, source="clerk"))

    assert list(line) == ["ts", "level", "event", "logger", "version", "role", "source", "zebra"]
    assert line["ts"] == "2026-01-01T00:00:00.000Z"
    assert (line["level"], line["version"], line["role"]) == ("info", "1.2.3", "serve")


def test_library_records_take_the_same_way():
    (line,) = lines(lambda: logging.getLogger("somebody").warning("key %s", SECRET))

    assert (line["logger"], line["event"]) == ("somebody", f"key {MASK}")


def test_lines_below_the_level_and_chatty_libraries_are_silent():
    def act() -> None:
        structlog.get_logger().debug("no")
        logging.getLogger("httpx").info("GET https://host/?token=1")
        structlog.get_logger().info("yes")

    assert [line["event"] for line in lines(act)] == ["yes"]


@pytest.mark.parametrize(
    "canary",
    [
        SECRET,
        "jane.doe+x@example.co.uk",
        "whsec_dW5pdC10ZXN0LWtleQ==",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "unkey_3ZQvTbkf9xkNEWqsZZvDy7x1",
        "Bearer abc.def",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    ],
)
def test_secrets_and_personal_data_never_reach_a_line(canary):
    def act() -> None:
        try:
            int(f"bad {canary}")
        except ValueError:
            structlog.get_logger().exception(
                f"a {canary}", nested={canary: [canary, (canary,)]}, error=ValueError(canary)
            )

    (line,) = lines(act)

    assert canary not in json.dumps(line)
    assert "ValueError" in line["exception"]


def test_ordinary_names_survive_redaction():
    text = "unkey_sync_connectors.clerk task_skip sub_1abc user_2xyz unkey_sync_events_received_total"

    assert Redactor([]).text(text) == text


def test_every_secret_of_the_settings_is_known_to_the_redactor():
    settings = load_settings(
        {
            "HOME": "/",
            "UNKEY_ROOT_KEY": "root-1",
            "CLERK_WEBHOOK_SIGNING_SECRET": "a-1,b-2",
            "UNKEY_SYNC_ADMIN_TOKEN": "t-3",
        }
    ).settings

    url = "postgresql://me:pass[w/ord@db/x"
    database = load_settings({"HOME": "/", "UNKEY_SYNC_DATABASE_URL": url}).settings

    assert {url, "pass[w/ord"} <= set(secrets_of(database))
    assert {"root-1", "a-1", "b-2", "t-3"} <= set(secrets_of(settings))


def test_equal_errors_are_written_a_few_times_and_then_counted():
    clock = FakeClock()

    def act() -> None:
        for number in range(1000):
            structlog.get_logger().error("store_failed", error_code="retry", number=number)
        structlog.get_logger().error("store_failed", error_code="other")
        clock.advance(61)
        structlog.get_logger().error("store_failed", error_code="retry")

    written = lines(act, clock)

    assert len(written) == 22
    assert written[-1]["suppressed"] == 980


def test_library_errors_are_throttled_by_their_template():
    def act() -> None:
        for number in range(100):
            logging.getLogger("lib").error("failure %d", number)

    assert len(lines(act)) == 20


@pytest.mark.parametrize(
    ("how", "times"), [("text", 100_000), ("ours", 5_000), ("traceback", 5_000), ("library", 5_000)]
)
def test_one_cause_a_hundred_thousand_times_is_at_most_a_hundred_lines_a_minute(how: str, times: int) -> None:
    """H18. `text`: a library that puts the details into its message, so that no two are equal."""
    log, library = structlog.stdlib.get_logger("unkey_sync.engine"), logging.getLogger("kombu.connection")

    def fail(number: int) -> None:
        if how == "ours":
            log.warning("turn_failed", error_code="retry", subject=f"org_{number}", error=f"try {number}")
        elif how == "traceback":
            log.error("turn_failed", exc_info=ValueError(str(number)), subject=f"org_{number}")
        else:
            library.error(*(["connection %d lost", number] if how == "library" else [f"{number} lost"]))

    def act() -> None:
        for number in range(times):
            fail(number)

    assert 1 <= len(lines(act)) <= 100


def test_many_different_messages_of_one_logger_do_not_silence_the_others() -> None:
    def act() -> None:
        for number in range(1_000):
            logging.getLogger("noisy").error(str(number))
        structlog.get_logger("quiet").error("store_failed")

    assert lines(act)[-1]["logger"] == "quiet"


def test_information_is_never_throttled():
    assert len(lines(lambda: [structlog.get_logger().info("applied") for _ in range(100)])) == 100


def test_people_get_one_line_that_nobody_can_forge():
    (line,) = lines(
        lambda: structlog.get_logger().warning("rejected", source="x\n12:00 ERROR forged"), style="console"
    )

    assert line == "00:00:00.000 WARNING rejected source='x\\n12:00 ERROR forged'"


def test_a_reader_that_does_not_read_costs_lines_and_not_time():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "w", encoding="utf-8") as stream:
        sink = LogSink(stream, capacity=10)

        for _ in range(5000):
            sink.write("x" * 1000)

        assert sink.dropped > 0
        os.set_blocking(reading, False)
        while sink._thread.is_alive():
            threading.Thread(target=sink.close).start()
            _empty(reading, sink)


def _empty(reading: int, sink: LogSink) -> None:
    while sink._thread.is_alive():
        try:
            os.read(reading, 1 << 20)
        except BlockingIOError:
            sink._thread.join(0.01)


def test_a_full_disk_is_survived_and_counted():
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    sink = LogSink(Full())
    sink.write("one")
    sink.write("two")
    sink.close()

    assert sink.dropped == 2
