"""`unkey-sync verify SOURCE FILE`: is this delivery authentic, and if not, why not?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unkey_sync.cli.output import CommandError, ExitCode, write_json, write_text
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Connector, Delivery, SourceConfig

    from unkey_sync.cli.diagnosis import Suspects
    from unkey_sync.cli.world import Session
    from unkey_sync.settings import Loaded


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(verify)
    return app


def verify(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Name of a configured source.")],
    file: Annotated[Path, typer.Argument(help="The raw body, byte by byte as it arrived.")],
    header: Annotated[
        list[str], typer.Option("--header", "-H", help='"Name: value" or @file; repeatable.')
    ] = [],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Say why the signature of a delivery fails. Exit code 0: it is valid."""
    from unkey_sync_connectors.base import Delivery

    delivery = Delivery(read_file(file), collect_headers(header))
    return explain(session_of(context), source, delivery, as_json)


def collect_headers(options: list[str]) -> dict[str, str]:
    """By lower-case name, from `Name: value` and `@file` (lines as HTTP shows them, or a JSON object)."""
    found: dict[str, str] = {}
    for option in options:
        found |= (
            read_headers(_read_text(Path(option[1:])))
            if option.startswith("@")
            else dict([parse_header(option)])
        )
    return found


def read_file(path: Path) -> bytes:
    """Byte by byte. Raises `CommandError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise _usage(f"{path}: {error.strerror}", "file") from error


def _read_text(path: Path) -> str:
    return read_file(path).decode("utf-8", "surrogateescape")


def explain(session: Session, source: str, delivery: Delivery, as_json: bool) -> int:
    """Print the diagnosis; exit code 0 when the signature is valid."""
    from unkey_sync.cli.diagnosis import diagnose
    from unkey_sync.cli.sources import signing_connector

    loaded = session.load()
    connector = signing_connector(session, loaded, source)
    found = diagnose(connector, delivery, session.world.clock.now(), suspects(session, loaded, connector))
    if as_json:
        write_json(
            session.world, {"cause": found.cause, "explanation": found.explanation, "remedy": found.remedy}
        )
    else:
        write_text(
            session.world, "\n".join(filter(None, [f"{found.cause}: {found.explanation}", found.remedy]))
        )
    return ExitCode.OK if found.cause == "valid" else ExitCode.FAILED


def suspects(session: Session, loaded: Loaded, connector: Connector) -> Suspects:
    """The other configured sources, and this source's secrets under every other kind."""
    from unkey_sync_connectors.base import ConfigProblem

    from unkey_sync.cli.diagnosis import Suspects
    from unkey_sync.cli.sources import to_source_config

    registry, config = session.world.connectors(), connector.config
    configs = [
        to_source_config(name, one) for name, one in loaded.settings.sources.items() if name != config.name
    ]
    as_kinds = [replace(config, kind=kind) for kind in registry.known_kinds() if kind != config.kind]

    def usable(candidates: list[SourceConfig]) -> list[Connector]:
        found = []
        for candidate in candidates:
            try:
                found.append(registry.create(candidate))
            except ConfigProblem:
                continue  # its secrets have another form: it cannot be the one
        return found

    return Suspects(usable([one for one in configs if one.secrets]), usable(as_kinds))


def parse_header(line: str) -> tuple[str, str]:
    """`Name: value` -> (lower-case name, value). Raises `CommandError`, never quoting the value."""
    name, separator, value = line.partition(":")
    if not separator or not name.strip():
        raise _usage('a header is written "Name: value"', "header")
    return name.strip().lower(), value.strip()


def read_headers(text: str) -> dict[str, str]:
    """Header lines as HTTP shows them, or a JSON object. Request and status lines are skipped."""
    if text.lstrip().startswith("{"):
        try:
            return {str(name).lower(): str(value) for name, value in json.loads(text).items()}
        except ValueError:
            raise _usage("the headers file is not valid JSON", "header") from None
    lines = [line for line in text.splitlines() if ":" in line and "HTTP/" not in line.partition(":")[0]]
    return dict(parse_header(line) for line in lines)


def _usage(message: str, code: str) -> CommandError:
    return CommandError(message, code=code, exit_code=ExitCode.USAGE)
