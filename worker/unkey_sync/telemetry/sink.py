"""Where log lines go.

Writing never blocks and never fails: a full pipe or disk costs log lines, not service.
"""

from __future__ import annotations

import queue
import threading
from typing import TextIO

CAPACITY = 10_000
"""Lines that wait at most."""
CLOSE_S = 2.0


class LogSink:
    """A bounded queue and one thread that writes from it."""

    def __init__(self, stream: TextIO, capacity: int = CAPACITY) -> None:
        self.dropped = 0
        """Lines that could not be written."""
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(capacity)
        self._thread = threading.Thread(target=self._drain, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Write what is waiting, for at most two seconds: a blocked pipe must not block the exit."""
        try:
            self._lines.put(None, timeout=CLOSE_S)
        except queue.Full:
            return
        self._thread.join(CLOSE_S)

    def _drain(self) -> None:
        while (line := self._lines.get()) is not None:
            batch, last = self._more(line)
            try:
                self._stream.write(batch)
                self._stream.flush()
            except (OSError, ValueError):  # disk full, reader gone, stream closed
                self.dropped += batch.count("\n")
            if last:
                return

    def _more(self, line: str) -> tuple[str, bool]:
        """Everything that is waiting right now, in one write."""
        lines = [line]
        while len(lines) < 200:
            try:
                following = self._lines.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return "\n".join(lines) + "\n", True
            lines.append(following)
        return "\n".join(lines) + "\n", False
