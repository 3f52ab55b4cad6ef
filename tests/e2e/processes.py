"""Real `unkey-sync` processes: started, watched, stopped, killed. Knows nothing of what they do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COMMAND = str(Path(sys.executable).with_name("unkey-sync"))
START_S = 30.0
STOP_S = 30.0


def eventually(check: Callable[[], bool], what: str, within_s: float = 20.0, every_s: float = 0.03) -> float:
    """Wait until `check` is true; the seconds it took. Fails, naming `what`, when it stays false."""
    began = time.monotonic()
    while not check():
        if time.monotonic() - began > within_s:
            raise AssertionError(f"after {within_s:g} s still not so: {what}")
        time.sleep(every_s)
    return time.monotonic() - began


class Program:
    """One process. Its output is in files, so that a full pipe never stops it."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name = arguments[0]
        self._folder = folder
        self._started_at = time.time_ns()
        self.out = folder / f"{self.name}-{self._started_at}.out"
        self.err = folder / f"{self.name}-{self._started_at}.log"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [COMMAND, *arguments], env=dict(environment), cwd=folder, stdout=out, stderr=err
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def ready(self) -> dict[str, Any]:
        """Wait for the ready line and return it."""
        eventually(lambda: self._ready_line() is not None or not self.alive, f"{self.name} ready", START_S)
        line = self._ready_line()
        assert line is not None, f"{self.name} ended with {self.process.returncode}: {self.log()}"
        return line

    def log(self) -> str:
        return self.err.read_text()

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines with this `event`."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == name]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask politely; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(STOP_S)

    def _ready_line(self) -> dict[str, Any] | None:
        text = self.out.read_text()
        first, newline, _ = text.partition("\n")
        return json.loads(first) if newline else None
