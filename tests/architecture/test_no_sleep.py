"""Nothing waits for wall time in a test that does not drive real processes."""

from __future__ import annotations

import ast

from tests.architecture.tree import Source, sources

ALLOWED = ("tests/e2e/", "tests/servers.py")


def sleeps(source: Source) -> list[str]:
    calls = [node for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
    return [f"{source.path}:{call.lineno}" for call in calls if called_name(call.func) == "sleep"]


def called_name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def test_only_end_to_end_tests_sleep() -> None:
    found = [place for source in sources("tests/") for place in sleeps(source)]

    assert [place for place in found if not place.startswith(ALLOWED)] == []


def test_a_sleep_is_seen_however_it_is_called() -> None:
    text = "import time, asyncio\nfrom time import sleep\ntime.sleep(1)\nasyncio.sleep(1)\nsleep(1)\n"

    found = sleeps(Source("sinner.py", text))

    assert found == ["sinner.py:3", "sinner.py:4", "sinner.py:5"]
