"""Data on stdout, everything else on stderr; exit codes; how an error looks. Nothing here knows a command."""

from __future__ import annotations

import json
import traceback
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TextIO

from unkey_sync.errors import ConfigError, Retry, RetryAt, SyncError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unkey_sync.cli.world import World


class ExitCode(IntEnum):
    """What the shell is told."""

    OK = 0
    FAILED = 1
    USAGE = 2
    """Usage or configuration."""
    PENDING = 3
    """Changes are pending (`--detailed-exitcode`)."""
    PARKED = 4
    """Done, but some subjects are parked."""
    REFUSED = 5
    """Refused by a guard, or `doctor` found an error."""
    UNREACHABLE = 69
    """A needed server is not reachable."""
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    """Nobody reads our output any more."""


class CommandError(SyncError):
    """A command cannot do what it was asked. `remedy`: what to do about it; `code`: stable, for scripts."""

    def __init__(
        self, message: str, *, code: str, remedy: str = "", exit_code: ExitCode = ExitCode.FAILED
    ) -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy
        self.exit_code = exit_code


class ReaderGone(SyncError):  # noqa: N818
    """Nobody reads stdout any more, as after `| head`. Not an error to talk about."""


def write_text(world: World, text: str) -> None:
    """Data, for the next program. Raises `ReaderGone`."""
    try:
        world.out.write(text if text.endswith("\n") else f"{text}\n")
    except BrokenPipeError:
        raise ReaderGone from None


def write_json(world: World, value: Any) -> None:
    """Data, for the next program, as one JSON document."""
    write_text(world, json.dumps(value, indent=2, ensure_ascii=False))


def write_table(world: World, rows: Sequence[Sequence[str]]) -> None:
    """Columns that line up; the last one is as long as it is."""
    if not rows:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        write_text(world, "  ".join([*cells, row[-1]]).rstrip())


def note(world: World, text: str) -> None:
    """Something for the person, not for the next program."""
    world.err.write(f"{text}\n")


def present(error: SyncError, world: World, verbosity: int) -> int:
    """Say what happened and what to do; the exit code."""
    world.err.write(f"{paint(world, 'error')}[{error.code}]: {_indent(str(error))}\n")
    if isinstance(error, CommandError) and error.remedy:
        world.err.write(f"  {error.remedy}\n")
    if verbosity >= 2:
        traceback.print_exception(error, file=world.err)
    return exit_code_of(error)


def exit_code_of(error: SyncError) -> int:
    if isinstance(error, CommandError):
        return error.exit_code
    if isinstance(error, ConfigError):
        return ExitCode.USAGE
    return ExitCode.UNREACHABLE if isinstance(error, Retry | RetryAt) else ExitCode.FAILED


def paint(world: World, word: str) -> str:
    """Bold red on a terminal that wants colours."""
    return f"\x1b[1;31m{word}\x1b[0m" if wants_colour(world.err, world.environment()) else word


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """https://no-color.org, and no colours where nobody looks."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")
