"""The worked example of a third party's connector: installed as a package of its own, found, and used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.clock import FakeClock

from tests.contract.feeds.serving import served
from tests.contract.feeds.worlds import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

EXAMPLE = Path(__file__).parents[3] / "examples" / "acme-connector"
ROOT = EXAMPLE.parents[1]
CONFIG = """
[sources.directory]
kind = "acme"
webhook_secrets = ["env:ACME_SECRET"]
api_key = "key_acme"
api_base = "{origin}"
[subjects]
owner = "user"
[[plans]]
name = "free"
default = true
"""


class AcmeWorld(World):
    """A directory of users, some of them disabled."""

    def __init__(self, count: int) -> None:
        super().__init__(FakeClock())
        self.ids = [f"u{number:04}" for number in range(count)]
        self.routes = {"/users": self._users, "/changes": lambda _: {"users": [self._row("u0001")]}}

    def _row(self, user_id: str) -> dict[str, Any]:
        return {"id": user_id, "disabled": user_id.endswith("7"), "changed": "2026-01-01T00:00:00.000Z"}

    def _users(self, params: httpx.QueryParams) -> dict[str, Any]:
        later = [one for one in self.ids if one > params["after"]]
        rows = later[: int(params["limit"])]
        return {
            "users": [self._row(one) for one in rows],
            "more": len(later) > len(rows),
            "total": len(self.ids),
        }


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example in a folder of its own, installed the way pip installs any package."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source")
    for file in EXAMPLE.iterdir():
        (source / file.name).write_bytes(file.read_bytes())
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@dataclass
class Command:
    """The command line beside the installed example."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "unkey_sync", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def command(installed: Path, tmp_path: Path) -> Iterator[Command]:
    with served(AcmeWorld(250)) as origin:
        (tmp_path / "unkey-sync.toml").write_text(CONFIG.format(origin=origin))
        yield Command(
            tmp_path,
            {
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "PYTHONPATH": str(installed),
                "ACME_SECRET": "whsec_acme_example",
                "UNKEY_SYNC_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.sqlite3'}",
            },
        )


def test_its_kind_is_accepted_in_the_configuration(command: Command) -> None:
    done = command.run("config", "check")

    assert done.returncode == 0, done.stderr + done.stdout


def test_a_signed_sample_of_it_is_recognised(command: Command) -> None:
    script = (
        "import json, sys, time\n"
        "from unkey_sync_connectors import registry\n"
        "from unkey_sync_connectors.base import Delivery, SourceConfig\n"
        "acme = registry.create(SourceConfig(name='d', kind='acme', secrets=('s',)))\n"
        "now = time.time_ns() // 1000\n"
        "for body in (json.dumps(one).encode() for one in acme.samples().values()):\n"
        "    delivery = Delivery(body, acme.sign(body, now))\n"
        "    acme.verify(delivery, now)\n"
        "    (event,) = acme.parse(delivery)\n"
        "    print(event.op.value, event.entity.id)\n"
        "print(acme.auth)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], env=command.environment, capture_output=True, text=True, check=False
    )

    assert done.stdout.split("\n")[:3] == ["upsert u1", "delete u1", "True"], done.stderr


def test_everything_it_lists_becomes_subjects_and_its_feed_is_read(command: Command) -> None:
    listed = command.run("backfill", "directory", "--json")
    caught_up = command.run("catch-up", "directory", "--json")

    found = json.loads(listed.stdout)
    assert (found["done"], found["news"], found["complete"], found["missing"]) == (250, 250, True, 0)
    assert json.loads(caught_up.stdout)["news"] == 0


def test_the_guide_shows_the_example_as_it_is() -> None:
    guide = (ROOT / "docs" / "connectors" / "write-your-own.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in guide.split("```python\n")[1:]]
    code = (EXAMPLE / "unkey_sync_acme.py").read_text(encoding="utf-8")

    assert blocks
    assert [block for block in blocks if block.strip() not in code] == []
