"""The wheel: built, put into an empty environment, started. What a user gets is what is tested."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, sources

ROLES = ("dev", "serve", "worker", "scheduler", "consume")
TOOLS = (
    "demo", "sandbox", "trigger", "doctor", "config", "status", "drain", "why", "subjects", "sync",
    "backfill", "catch-up", "events", "keys", "db", "verify", "mapping", "version",
)  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        str(Path(sys.executable).with_name("uv")),
        "build",
        "--wheel",
        "--quiet",
        "--out-dir",
        str(folder),
    ]
    offline = subprocess.run([*command, "--offline"], cwd=ROOT, capture_output=True, check=False)
    if offline.returncode:  # the build backend is not in uv's cache yet
        subprocess.run(command, cwd=ROOT, check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command. Its dependencies are those of this environment; our own code is the wheel's."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(folder, with_pip=False)
    uv = Path(sys.executable).with_name("uv")
    install = [
        str(uv),
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--python",
        str(folder),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    return folder / "bin" / "unkey-sync"


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": sysconfig.get_path("purelib"), "COLUMNS": "200"}
    return subprocess.run(
        [str(program), *arguments],
        cwd=program.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def listed(help_text: str) -> set[str]:
    return {line.split()[0] for line in help_text.splitlines() if line.startswith("  ") and line.strip()}


def test_the_wheel_holds_every_module_its_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    modules = {source.path.partition("/")[2] for source in sources("worker/", "connectors/")}

    assert modules <= inside
    assert {name.split("/")[0] for name in inside if ".dist-info/" not in name} == {
        "unkey_sync",
        "unkey_sync_connectors",
    }
    assert {"unkey_sync/py.typed", "unkey_sync_connectors/py.typed"} <= inside
    assert "unkey_sync/ledger/migrations/versions/0001_expand_initial.py" in inside


def test_the_installed_program_lists_every_role(program: Path) -> None:
    helped = run(program, "--help")

    assert helped.returncode == 0, helped.stderr
    assert set(ROLES) - listed(helped.stdout) == set()


def test_the_installed_program_lists_every_other_command(program: Path) -> None:
    helped = run(program, "--help")

    assert helped.returncode == 0, helped.stderr
    assert set(TOOLS) - listed(helped.stdout) == set()
