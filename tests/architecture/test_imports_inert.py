"""Importing a module of ours defines things and does nothing: no socket, no environment, no thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import sources

IMPORTER = Path(__file__).with_name("importer.py")


def what_importing_does(modules: list[str], *path: Path) -> list[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [sys.executable, "-W", "error", str(IMPORTER), *modules]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def module_name(path: str) -> str:
    return path.partition("/")[2].removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def test_importing_our_modules_does_nothing() -> None:
    modules = [module_name(source.path) for source in sources("worker/", "connectors/")]

    found = what_importing_does(modules)

    assert len(modules) > 50
    assert found == []


def test_a_module_that_does_something_when_imported_is_found(tmp_path: Path) -> None:
    package = tmp_path / "sinners"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "reads.py").write_text("import os\nHOME = os.environ.get('HOME', os.getenv('PATH'))\n")
    (package / "talks.py").write_text("import socket\nsocket.socket().close()\n")
    (package / "runs.py").write_text(
        "import threading\nstop = threading.Event()\nthreading.Thread(target=stop.wait, daemon=True).start()\n"
    )

    found = what_importing_does(["sinners.reads", "sinners.talks", "sinners.runs"], tmp_path)

    assert found == [
        "sinners.reads: sinners.reads reads PATH from the environment",
        "sinners.reads: sinners.reads reads HOME from the environment",
        "sinners.talks: a socket is opened",
        "sinners.runs: a thread is running",
    ]
