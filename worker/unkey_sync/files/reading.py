"""Rows of a CSV or JSONL file, one at a time, each with the place behind it. Knows no column by name.

Every row is a flat mapping of texts: numbers and flags as written, nested objects as `outer.inner`, empty cells left
out. Memory does not grow with the file.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import orjson

from unkey_sync.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAX_LINE = 1_048_576
"""Bytes; a longer line is no row of anything we read."""
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Place:
    """A border between rows: bytes before it, and lines before it."""

    offset: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """`values` None: it cannot be read, and `problem` says why, quoting nothing. `after`: where the next begins."""

    line: int
    after: Place
    values: Mapping[str, str] | None
    problem: str = ""


def read_rows(path: Path, start: Place) -> Iterator[Row]:
    """The rows from a place on. Raises ConfigError for a file that is none of ours."""
    with path.open("rb") as handle:
        if path.suffix.lower() == ".csv":
            yield from _csv_rows(handle, start)
        elif path.suffix.lower() in (".jsonl", ".ndjson"):
            yield from _json_rows(_Lines(handle, start))
        else:
            raise ConfigError(f"{path.name}: only .csv, .jsonl and .ndjson files can be read")


def count_rows(path: Path) -> int:
    """About how many rows there are: line ends, less the header of a CSV file."""
    with path.open("rb") as handle:
        ends = sum(chunk.count(b"\n") for chunk in iter(lambda: handle.read(MAX_LINE), b""))
    return ends - (path.suffix.lower() == ".csv")


class _Lines:
    """Lines as texts; knows how much was handed out. Bytes that are not UTF-8 become lone surrogates."""

    def __init__(self, handle: BinaryIO, start: Place) -> None:
        self._handle = handle
        self.place = start
        handle.seek(start.offset)

    def __iter__(self) -> Iterator[str]:
        while raw := self._handle.readline(MAX_LINE + 1):
            if len(raw) > MAX_LINE:
                raise ConfigError(f"line {self.place.line + 1} is longer than {MAX_LINE} bytes")
            self.place = Place(self.place.offset + len(raw), self.place.line + 1)
            text = raw.decode("utf-8", errors="surrogateescape")
            yield text.removeprefix(_BOM) if self.place.line == 1 else text


def _csv_rows(handle: BinaryIO, start: Place) -> Iterator[Row]:
    lines = _Lines(handle, Place())
    header = next(csv.reader(iter(lines), strict=True), None)
    if not header or len(set(header)) < len(header):
        raise ConfigError("the first line must name the columns, each once")
    if start.offset > lines.place.offset:
        lines = _Lines(handle, start)
    reader = csv.reader(iter(lines), strict=True)
    while True:
        line = lines.place.line + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            yield Row(line, lines.place, None, "not CSV")
            continue
        if cells is None:
            return
        if cells:
            yield _csv_row(line, lines.place, header, cells)


def _csv_row(line: int, after: Place, header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        return Row(line, after, None, f"{len(cells)} cells for {len(header)} columns")
    values = {name.strip(): cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    return _checked(Row(line, after, values))


def _json_rows(lines: _Lines) -> Iterator[Row]:
    for text in lines:
        if not text.strip():
            continue
        line = lines.place.line
        try:
            found = orjson.loads(text)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            yield Row(line, lines.place, None, "not JSON")
            continue
        if isinstance(found, dict):
            yield _checked(Row(line, lines.place, dict(_flat(found, ""))))
        else:
            yield Row(line, lines.place, None, "not a JSON object")


def _flat(found: Mapping[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield f"{prefix}{name}", " ".join(str(one) for one in value)
        elif isinstance(value, bool):
            yield f"{prefix}{name}", str(value).lower()
        elif value is not None and value != "":
            yield f"{prefix}{name}", str(value)


def _checked(row: Row) -> Row:
    """A replaced byte would make another id: such a row is refused as a whole."""
    text = "".join(row.values.values()) if row.values else ""
    if "\x00" in text:
        return Row(row.line, row.after, None, "a NUL byte")
    try:
        text.encode()
    except UnicodeEncodeError:
        return Row(row.line, row.after, None, "not UTF-8")
    return row
