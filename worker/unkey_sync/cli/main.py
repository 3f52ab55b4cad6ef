"""Parse, call, exit code. Commands are found in a table and imported only when they run."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path  # noqa: TC003  -- Typer reads annotations at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from unkey_sync.cli.commands import COMMANDS
from unkey_sync.cli.output import ExitCode, ReaderGone, present
from unkey_sync.cli.world import Session, World, session_of
from unkey_sync.errors import SyncError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType


class LazyGroup(TyperGroup):
    """Lists the table; imports a command's module when that command is called."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = {name: TyperCommand(name, help=entry.help) for name, entry in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name in COMMANDS else command, rest


def load_command(name: str) -> Any:
    """The real command behind a line of the table."""
    module, _, function = COMMANDS[name].module.partition(":")
    build_command = getattr(importlib.import_module(module), function or "build")
    command = typer.main.get_command(build_command())
    command.name = name
    return command


def main(arguments: Sequence[str] | None = None, world: World | None = None) -> int:
    """Run one command; its exit code."""
    session = Session(world or World())
    sys.excepthook = report_crash
    try:
        code = _call(arguments, session)
        session.world.out.flush()
    except (ReaderGone, BrokenPipeError):
        return _nobody_listens()
    except SyncError as error:
        return present(error, session.world, session.verbosity)
    return code


def _call(arguments: Sequence[str] | None, session: Session) -> int:
    command = typer.main.get_command(build())
    try:
        code = command.main(arguments, prog_name="unkey-sync", standalone_mode=False, obj=session)
    except TyperException as error:  # usage
        show = getattr(error, "show", None)
        if show is not None:
            show(session.world.err)
        return error.exit_code
    except typer.Abort:
        return ExitCode.INTERRUPTED
    return code if isinstance(code, int) else ExitCode.OK


def build() -> typer.Typer:
    """The command line without its commands."""
    app = typer.Typer(
        cls=LazyGroup,
        name="unkey-sync",
        help="Keeps Unkey in step with auth and billing systems.",
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    return app


def _options(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="Config file. Default: see `config path`.")] = None,
    verbose: Annotated[int, typer.Option("-v", "--verbose", count=True, help="-vv shows tracebacks.")] = 0,
) -> None:
    session = session_of(context)
    session.config, session.verbosity = config, verbose


def report_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A bug of ours: where it happened, never what values were involved (they may be secret)."""
    if "-vv" in sys.argv:
        sys.__excepthook__(kind, error, trace)
        return
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
    sys.stderr.write(
        f"error[internal]: {kind.__name__} at {where}\n  This is a bug. -vv shows the traceback.\n"
    )


def _nobody_listens() -> int:
    """Quiet, as when a reader such as `head` has seen enough; the interpreter's last flush goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return ExitCode.BROKEN_PIPE
