"""Several worker processes under one parent: started, restarted when one dies, stopped together."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync.clock import Clock

_MISCONFIGURED = 2
"""The exit code of a usage or configuration error: a restart would not help."""
_PAUSE_S = 1.0
"""Between a death and the restart, so that a broken configuration is no storm."""


class Supervisor:
    """Keeps one process of each command alive until told to stop."""

    def __init__(self, commands: Sequence[Sequence[str]], clock: Clock) -> None:
        self._commands = [list(command) for command in commands]
        self._clock = clock
        self._stop = threading.Event()
        self._signal = signal.SIGTERM
        self._children: list[subprocess.Popen[bytes]] = []
        self._log = structlog.stdlib.get_logger("unkey_sync.worker")

    def run(self) -> int:
        """Until SIGTERM or SIGINT; the exit code."""
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, self._on_signal)
        self._children = [self._start(command) for command in self._commands]
        while not self._clock.wait(self._stop, 0.2):
            pairs = zip(self._commands, self._children, strict=True)
            self._children = [self._revive(command, child) for command, child in pairs]
        for child in self._children:
            child.send_signal(signal.SIGTERM)
        codes = [child.wait() for child in self._children]
        return 130 if self._signal == signal.SIGINT else max((abs(code) for code in codes), default=0)

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        # Our own program with our own arguments; a group of its own, so that Ctrl-C reaches it through us only.
        return subprocess.Popen([sys.executable, "-m", "unkey_sync", *command], process_group=0)  # noqa: S603

    def _revive(self, command: Sequence[str], child: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        code = child.poll()
        if code is None or self._clock.wait(self._stop, _PAUSE_S):
            return child
        self._log.error("worker_died", exit_code=code)
        if code == _MISCONFIGURED:
            self._stop.set()
            return child
        return self._start(command)

    def _on_signal(self, number: int, _frame: object) -> None:
        self._signal = signal.Signals(number)
        self._stop.set()
