"""Manners: fast help, exit codes, clean streams, errors that say what to do."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from unkey_sync.cli.commands import COMMANDS
from unkey_sync.cli.main import load_command, report_crash
from unkey_sync.cli.output import CommandError, ExitCode, exit_code_of, present, wants_colour
from unkey_sync.cli.world import World
from unkey_sync.errors import ConfigError, Retry, Stop

HEAVY = ("celery", "kombu", "sqlalchemy", "httpx", "pydantic", "starlette", "uvicorn", "redis")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from unkey_sync.cli import main\n"
        "assert main(['--help']) == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = python(code)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert "config" in done.stdout


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_of_the_table_explains_itself(cli, capsys, name):
    ran = cli.run(name, "--help")

    assert ran.code == 0
    assert "Usage: unkey-sync" in capsys.readouterr().out
    assert load_command(name).name == name


def test_the_console_script_points_here():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))

    assert project["project"]["scripts"]["unkey-sync"] == "unkey_sync.cli:main"


def test_an_unknown_command_is_a_usage_error_with_the_nearest_name(cli):
    ran = cli.run("doktor")

    assert (ran.code, ran.out) == (2, "")
    assert "Did you mean 'doctor'?" in ran.err


def test_the_version_as_text_and_as_json(cli):
    number = cli.run("version").out.split()[1]

    assert cli.run("version", "--json").json["version"] == number


def test_a_configuration_error_goes_to_stderr_with_code_two(cli):
    ran = cli.run("--config", "/nowhere.toml", "config", "show")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error[config]: /nowhere.toml: no such file. Correct --config or UNKEY_SYNC_CONFIG.\n"


def test_a_traceback_is_shown_only_when_asked_for_twice(cli):
    brief = cli.run("-v", "--config", "/nowhere.toml", "config", "show")
    full = cli.run("-vv", "--config", "/nowhere.toml", "config", "show")

    assert "Traceback" not in brief.err
    assert "Traceback" in full.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (Retry("x"), 69),
        (Stop("x"), 1),
        (CommandError("x", code="y", exit_code=ExitCode.REFUSED), 5),
    ],
)
def test_each_reaction_has_its_exit_code(error, code):
    assert exit_code_of(error) == code


def test_a_remedy_stands_below_its_error():
    err = io.StringIO()

    present(CommandError("what", code="why", remedy="do this"), World(err=err, environment=dict), 0)

    assert err.getvalue() == "error[why]: what\n  do this\n"


def test_colours_are_for_terminals_that_want_them():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert wants_colour(Terminal(), {"TERM": "xterm"})
    assert not wants_colour(Terminal(), {"NO_COLOR": "1"})
    assert not wants_colour(Terminal(), {"TERM": "dumb"})
    assert not wants_colour(io.StringIO(), {})


def test_a_bug_is_reported_by_place_and_never_by_value(capsys):
    try:
        int("secret-value")
    except ValueError as error:
        report_crash(type(error), error, error.__traceback__)

    text = capsys.readouterr().err
    assert text.startswith("error[internal]: ValueError at ")
    assert "secret-value" not in text


def test_a_reader_that_has_seen_enough_ends_us_quietly():
    command = [sys.executable, "-m", "unkey_sync", "config", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        complaints = process.stderr.read()

    assert complaints == b""
    assert process.returncode == ExitCode.BROKEN_PIPE


def test_interruption_has_its_own_exit_code(cli):
    class Interrupted:
        def __call__(self) -> None:
            raise KeyboardInterrupt

    cli.connectors = Interrupted()
    cli.write_config()

    assert cli.run("config", "check").code == 130


def test_json_output_is_one_document(cli):
    assert isinstance(json.loads(cli.run("config", "schema").out), dict)
