"""`unkey-sync doctor`: every check with its result and remedy; exit code 5 when one finds an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from unkey_sync.cli.output import ExitCode, write_json, write_text
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.cli.world import Session
    from unkey_sync.doctor import Finding


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(doctor)
    return app


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Find what is wrong with this set-up, with remedies. Exit code 5: an error was found."""
    from unkey_sync.doctor import Level, worst

    session = session_of(context)
    findings: list[tuple[str, Finding]] = []
    for name, finding in examine_all(session):
        findings.append((name, finding))
        if not as_json:
            write_text(session.world, _line(name, finding))
            session.world.out.flush()
    verdict = worst(finding for _, finding in findings)
    if as_json:
        write_json(session.world, {"ok": verdict < Level.ERROR, "findings": [_row(*one) for one in findings]})
    return ExitCode.REFUSED if verdict == Level.ERROR else ExitCode.OK


def examine_all(session: Session) -> Iterator[tuple[str, Finding]]:
    """The configuration first; only a valid one can be examined further."""
    from unkey_sync.cli.config import find_problems
    from unkey_sync.doctor import Finding, Level, Patient, examine

    problems, _ = find_problems(session)
    for problem in problems:
        yield (
            "config",
            Finding(Level.ERROR, str(problem), "correct it; `unkey-sync config check` looks again"),
        )
    if not problems:
        world = session.world
        yield from examine(Patient(loaded=session.load(), clock=world.clock, transport=world.transport))


def _line(name: str, finding: Finding) -> str:
    line = f"{finding.level.name:<7}  {name}: {finding.message}"
    return f"{line}\n         -> {finding.remedy}" if finding.remedy else line


def _row(name: str, finding: Finding) -> dict[str, str]:
    return {
        "check": name,
        "level": finding.level.name.lower(),
        "message": finding.message,
        "remedy": finding.remedy,
    }
