"""`unkey-sync config show|check|schema|path|example`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from unkey_sync.cli.output import CommandError, ExitCode, note, write_json, write_table, write_text
from unkey_sync.cli.world import Session, session_of

if TYPE_CHECKING:
    from unkey_sync.settings import Loaded
    from unkey_sync.settings.problems import Problem

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def build() -> typer.Typer:
    app = typer.Typer(
        rich_markup_mode=None, no_args_is_help=True, help="Show, check and locate the configuration."
    )
    app.command("show")(show_config)
    app.command("check")(check)
    app.command("schema")(schema)
    app.command("path")(path)
    app.command("example")(example)
    return app


def show_config(
    context: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print every setting; secrets are masked."""
    from unkey_sync.settings.show import show

    session = session_of(context)
    rows = show(session.load())
    if as_json:
        write_json(session.world, {row.key: {"value": row.value, "origin": row.origin} for row in rows})
        return
    table = [
        (row.key, _text(row.value), row.origin) if origin else (row.key, _text(row.value)) for row in rows
    ]
    write_table(session.world, table)


def check(context: typer.Context, as_json: AsJson = False) -> int:
    """Check the whole file and the environment; exit code 2 when something is wrong."""
    session = session_of(context)
    problems, file = find_problems(session)
    if as_json:
        found = [{"where": one.where, "key": one.key, "message": one.message} for one in problems]
        write_json(session.world, {"ok": not problems, "file": file, "problems": found})
    elif problems:
        for problem in problems:
            note(session.world, f"error[config]: {problem}")
    else:
        write_text(session.world, f"ok: {file or 'no config file, environment and defaults only'}")
    return ExitCode.USAGE if problems else ExitCode.OK


def schema(context: typer.Context) -> None:
    """Print the JSON Schema of the file, for editors."""
    from unkey_sync.settings.schema import file_schema

    write_json(session_of(context).world, file_schema())


def path(context: typer.Context) -> int:
    """Print which file is used; exit code 1 when there is none."""
    from unkey_sync.settings.document import find_file, search_path

    session = session_of(context)
    environment = session.world.environment()
    found = find_file(session.config, environment)
    if found is not None:
        write_text(session.world, str(found.absolute()))
        return ExitCode.OK
    note(session.world, "no config file; looked for:")
    for candidate in search_path(environment):
        note(session.world, f"  {candidate}")
    return ExitCode.FAILED


def example(context: typer.Context) -> None:
    """Print every environment variable with its default (this is config/example.env)."""
    from unkey_sync.settings.example import example_env

    write_text(session_of(context).world, example_env())


def find_problems(session: Session) -> tuple[list[Problem], str]:
    """Everything that is wrong with settings, sources and policy, and the file they come from."""
    from unkey_sync.errors import ConfigError
    from unkey_sync.settings.document import check_policy, find_file, read_document
    from unkey_sync.settings.problems import InvalidConfig, Problem

    try:
        document = read_document(find_file(session.config, session.world.environment()))
    except ConfigError as error:
        return [Problem("", "", str(error))], ""
    problems = check_policy(document)
    try:
        loaded = session.load()
    except InvalidConfig as error:
        return [*error.problems, *problems], document.path
    return [*_unusable_sources(session, loaded), *problems], document.path


def _unusable_sources(session: Session, loaded: Loaded) -> list[Problem]:
    from unkey_sync.cli.sources import connector_of
    from unkey_sync.settings.problems import Problem

    found = []
    for name in loaded.settings.sources:
        try:
            connector_of(session, loaded, name)
        except CommandError as error:
            where = loaded.origins.get(("sources", name, "kind"), "")
            found.append(Problem(where, f"sources.{name}", str(error)))
    return found


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
