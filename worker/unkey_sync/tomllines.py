"""On which line of a TOML text each key stands: tomllib tells values, not places.

It reads only the outline (keys, tables, brackets) and is silent about what it cannot read: tomllib is the
judge of TOML. It refuses nesting and dotted keys so deep that reading them costs more than any real file.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from bisect import bisect_right

KeyPath = tuple[str | int, ...]
"""Names and list positions from the root, e.g. `("plans", 1, "match", 0, "source")`."""

MAX_DEPTH = 24
"""Longest dotted key, deepest nesting of brackets. Nothing we read needs more than 8."""

_BLANK = re.compile(r"[ \t]*")
_TRIVIA = re.compile(r"(?:[ \t\r\n]++|#[^\n]*)*+")
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_SCALAR = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}'
    r"|'''(?:[^']++|'(?!''))*+'{3,5}"
    r'|"(?:[^"\\\n]++|\\.)*+"'
    r"|'[^'\n]*'"
    r"|[^,\[\]{}#\r\n\"']+",
    re.DOTALL,
)


class TooDeep(ValueError):  # noqa: N818
    """The text nests deeper than MAX_DEPTH. `line` is where, counted from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(f"nested deeper than {MAX_DEPTH} levels")
        self.line = line


class _Unreadable(Exception):  # noqa: N818
    """The outline ends here; what was found so far stands."""


def index_lines(text: str) -> dict[KeyPath, int]:
    """The line, counted from 1, of every key, table, and list element of a TOML text. Raises `TooDeep`.

    A table that is only implied by a dotted key stands where it is first mentioned.
    """
    outline = _Outline(text)
    with contextlib.suppress(_Unreadable):  # tomllib says what is wrong, and where
        outline.read()
    return outline.lines


class _Outline:
    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._last: dict[KeyPath, int] = {}  # the newest element of each array of tables

    def read(self) -> None:
        table: KeyPath = ()
        while self._skip(_TRIVIA) < len(self._text):
            if self._peek("["):
                table = self._header()
            else:
                self._pair(table, depth=1)

    def _header(self) -> KeyPath:
        start = self._at
        brackets = "[[" if self._peek("[[") else "["
        self._take(brackets)
        path = self._resolve((), self._key())
        self._take("]" * len(brackets))
        if brackets == "[[":
            path = self._append(path[:-1] if isinstance(path[-1], int) else path)
        self._mark(path, start)
        return path

    def _append(self, array: KeyPath) -> KeyPath:
        position = self._last.get(array, -1) + 1
        self._last[array] = position
        return (*array, position)

    def _pair(self, table: KeyPath, depth: int) -> None:
        start = self._at
        path = table
        for part in self._key():
            path = (*path, part)
            self._mark(path, start)
        self._take("=")
        self._value(path, depth)

    def _value(self, path: KeyPath, depth: int) -> None:
        self._skip(_BLANK)
        self._guard(depth)
        if self._peek("["):
            self._array(path, depth)
        elif self._peek("{"):
            self._inline_table(path, depth)
        elif not self._skip_some(_SCALAR):
            raise _Unreadable

    def _array(self, path: KeyPath, depth: int) -> None:
        self._take("[")
        position = 0
        while not self._closes("]"):
            element = (*path, position)
            self._mark(element, self._at)
            self._value(element, depth + 1)
            self._comma("]")
            position += 1

    def _inline_table(self, path: KeyPath, depth: int) -> None:
        self._take("{")
        while not self._closes("}"):
            self._pair(path, depth + 1)
            self._comma("}")

    def _closes(self, bracket: str) -> bool:
        self._skip(_TRIVIA)
        found = self._peek(bracket)
        self._at += found
        return found

    def _comma(self, closing: str) -> None:
        self._skip(_TRIVIA)
        if not self._peek(closing):
            self._take(",")

    def _key(self) -> list[str]:
        parts = [self._key_part()]
        while self._skip_some(_DOT):
            self._guard(len(parts))
            parts.append(self._key_part())
        self._skip(_BLANK)
        return parts

    def _key_part(self) -> str:
        self._skip(_BLANK)
        start = self._at
        if not self._skip_some(_KEY_PART):
            raise _Unreadable
        return _unquote(self._text[start : self._at])

    def _resolve(self, table: KeyPath, parts: list[str]) -> KeyPath:
        """A header names an array of tables by its name alone and means its newest element."""
        path = table
        for part in parts:
            path = (*path, part)
            self.lines.setdefault(path, self._line(self._at))
            path = (*path, self._last[path]) if path in self._last else path
        return path

    def _mark(self, path: KeyPath, offset: int) -> None:
        self.lines.setdefault(path, self._line(offset))

    def _line(self, offset: int) -> int:
        return bisect_right(self._newlines, offset - 1) + 1

    def _guard(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise TooDeep(self._line(self._at))

    def _peek(self, token: str) -> bool:
        return self._text.startswith(token, self._at)

    def _take(self, token: str) -> None:
        if not self._peek(token):
            raise _Unreadable
        self._at += len(token)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        self._skip_some(pattern)
        return self._at

    def _skip_some(self, pattern: re.Pattern[str]) -> bool:
        match = pattern.match(self._text, self._at)
        if match is None:
            return False
        self._at = match.end()
        return True


def _unquote(part: str) -> str:
    if part[0] not in "\"'":
        return part
    try:
        return str(tomllib.loads(f"key = {part}")["key"])
    except tomllib.TOMLDecodeError as error:
        raise _Unreadable from error
