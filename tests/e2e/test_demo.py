"""`unkey-sync demo`: the first thing that anybody runs tells the whole story, from an empty folder."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.e2e.processes import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

STORY = (
    "acme    plan pro, 1000 requests a minute",
    "acme    plan scale, 5000 requests a minute",
    "acme    plan free, 100 requests a minute",
    "a key of ada is DISABLED",
    "a key of ada is VALID",
    "a key of eve is DISABLED",
    "a key of eve is NOT_FOUND",
    "eve     no identity",
    "a key of the deleted user is VALID",
    "31 webhooks delivered: 29 applied, 2 duplicates",
)


def test_the_demo_tells_its_story_to_the_end(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}

    done = subprocess.run(
        [COMMAND, "demo"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    told = iter(done.stdout.splitlines())
    assert [line for line in STORY if any(line in one for one in told)] == list(STORY)
    assert list(tmp_path.iterdir()) == []
