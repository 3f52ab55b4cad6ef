"""Server-Sent Events (WHATWG HTML, 9.2.6), from bytes to messages, wherever the bytes were cut.

Does not reconnect: `retry` is read over, and a message without its blank line at the end of a stream is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_MESSAGE = 1024 * 1024
"""Longest line, and longest data of one message, that is kept; in bytes."""

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Message:
    """`id`: the newest one told, here or before. `whole`: False when data was left out as too long."""

    event: str
    data: bytes
    id: str
    whole: bool = True


class Reader:
    """Takes a stream's bytes as they come."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._line_cut = False
        self._after_cr = False
        self._begun = False
        self._event = ""
        self._id = ""
        self._data: list[bytes] = []
        self._size = 0
        self._whole = True
        self._said = False

    def feed(self, chunk: bytes) -> list[Message]:
        """The messages that these bytes complete."""
        if self._after_cr and chunk:
            chunk, self._after_cr = chunk.removeprefix(b"\n"), False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        *ends, rest = _LINE_END.split(chunk)
        found = [message for part in ends if (message := self._end_line(part)) is not None]
        self._extend(rest)
        return found

    def _extend(self, part: bytes) -> None:
        room = MAX_MESSAGE - len(self._line)
        self._line_cut = self._line_cut or len(part) > room
        self._line += part[:room]

    def _end_line(self, part: bytes) -> Message | None:
        self._extend(part)
        line, cut = bytes(self._line), self._line_cut
        self._line.clear()
        self._line_cut = False
        if not self._begun:
            self._begun, line = True, line.removeprefix(_BOM)
        if not line:
            return self._end_message()
        self._take(line, cut=cut)
        return None

    def _take(self, line: bytes, *, cut: bool) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        self._said = self._said or name in (b"data", b"event", b"id")
        if name == b"data":
            self._add(value, cut=cut)
        elif name == b"event" and not cut:
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and not cut and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")

    def _add(self, value: bytes, *, cut: bool) -> None:
        self._size += len(value) + 1
        if cut or self._size > MAX_MESSAGE:
            self._whole = False
            self._data.clear()
        elif self._whole:
            self._data.append(value)

    def _end_message(self) -> Message | None:
        """Blank lines and comments alone are no message."""
        message = Message(self._event, b"\n".join(self._data), self._id, self._whole) if self._said else None
        self._event, self._size, self._whole, self._said = "", 0, True, False
        self._data.clear()
        return message
