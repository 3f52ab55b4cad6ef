"""Processes that a bench starts: they say one JSON line when ready, and answer one JSON line to each asked of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unkey_sync.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Child:
    """`python -m …` with pipes. `ready`: its first line, if it says one."""

    def __init__(
        self, *arguments: str, environment: Mapping[str, str] | None = None, speaks: bool = True
    ) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  -- lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, **(environment or {})},
        )
        self.ready: dict[str, Any] = self._read() if speaks else {}

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        self.tell(question)
        return self.hear()

    def tell(self, question: Mapping[str, Any]) -> None:
        """Ask without waiting; `hear` waits."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        return self._read()

    def pids(self) -> list[int]:
        """The process and its descendants."""
        return _descendants(self._process.pid)

    def cpu_s(self) -> float:
        """Processor time of the process and its living descendants, user and system."""
        return sum(_cpu_s(pid) for pid in self.pids())

    def wait_until_quiet(self) -> None:
        """Until it has started and has nothing to do: half a second without work."""
        clock, never = SystemClock(), threading.Event()
        before = -1.0
        while self.cpu_s() - before > 0.03 or before < 0.5:
            before = self.cpu_s()
            clock.wait(never, 0.5)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._stderr):
            if pipe is not None:
                pipe.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._stderr.seek(0)
            raise RuntimeError(f"a bench process died: {self._stderr.read().decode()[-2000:]}")
        return dict(json.loads(line))


@contextmanager
def child(
    *arguments: str, environment: Mapping[str, str] | None = None, speaks: bool = True
) -> Iterator[Child]:
    """A child that is stopped at the end."""
    started = Child(*arguments, environment=environment, speaks=speaks)
    try:
        yield started
    finally:
        started.stop()


def memory_mb(pid: int) -> float:
    """Proportional set size: shared pages count by share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _descendants(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for one in (task / "children").read_text().split():
            found += _descendants(int(one))
    return found


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S
