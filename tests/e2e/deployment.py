"""One deployment as an operator runs it: a policy file, an environment, processes, the command line."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

from unkey_sync import reports
from unkey_sync.clock import SystemClock
from unkey_sync.ledger import migrate
from unkey_sync.ledger.store import Ledger

from tests.e2e.processes import COMMAND, Program, eventually
from tests.e2e.senders import CLERK_SECRET, STRIPE_SECRET, Letter, Post

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.upstream import Upstream

POLICY = """
[subjects]
owner = "both"

[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m", auto_apply = true }]

[[plans]]
name = "pro"
rank = 10
match = [{ source = "stripe", lookup_key = "pro_monthly" }]
identity.ratelimits = [{ name = "requests", limit = 1000, duration = "1m", auto_apply = true }]
identity.meta = { support = "priority" }

[[plans]]
name = "scale"
rank = 20
match = [{ source = "stripe", lookup_key = "scale_monthly" }]
identity.ratelimits = [{ name = "requests", limit = 5000, duration = "1m", auto_apply = true }]

[lifecycle]
past_due = { grace = "4s", then = "suspend" }
canceled = { access = "until_period_end", then = "default_plan" }
banned = "suspend"
deleted = { disable = "now", erase_after = "0s" }
"""
TIMINGS = {
    "UNKEY_SYNC_SWEEP_INTERVAL": "0.5",
    "UNKEY_SYNC_LEASE": "2",
    "UNKEY_SYNC_RETRY_BASE": "0.1",
    "UNKEY_SYNC_SETTLE": "0.3",
}


class Deployment:
    """`database` and `broker` as the processes see them; `ledger` reads past any proxy in between."""

    def __init__(self, folder: Path, database: str, broker: str, upstream: Upstream) -> None:
        self.folder = folder
        self.upstream = upstream
        self.policy = folder / "unkey-sync.toml"
        self.policy.write_text(POLICY)
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "UNKEY_ROOT_KEY": upstream.root_key,
            "UNKEY_BASE_URL": upstream.url,
            "UNKEY_API_ID": upstream.api_id,
            "UNKEY_SYNC_DATABASE_URL": database,
            "UNKEY_SYNC_BROKER_URL": broker,
            "UNKEY_SYNC_CONFIG": str(self.policy),
            "UNKEY_SYNC_STATE_DIR": str(folder),
            "UNKEY_SYNC_SECRET_KEY": base64.b64encode(b"e" * 32).decode(),
            "UNKEY_SYNC_LOG_FORMAT": "json",
            "CLERK_WEBHOOK_SIGNING_SECRET": CLERK_SECRET,
            "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
            **TIMINGS,
        }
        self.ledger = Ledger(database)
        migrate.upgrade(self.ledger.engine)
        self.post = Post("")
        self.programs: list[Program] = []

    def start(self, *arguments: str, **environment: str) -> Program:
        program = Program(arguments, {**self.environment, **environment}, self.folder)
        self.programs.append(program)
        return program

    def serve(self, role: str = "serve", **environment: str) -> Program:
        """Start a receiver (or `dev`) and send to it from now on."""
        program = self.start(role, "--port", "0", **environment)
        self.post.url = program.ready()["url"]
        return program

    def cli(self, *arguments: str, expect: int = 0, **environment: str) -> str:
        """Run a command; its stdout. Fails unless it exits with `expect`."""
        done = subprocess.run(
            [COMMAND, *arguments],
            env={**self.environment, **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == expect, f"{arguments} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if expect == 0 else done.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self.cli(*arguments, "--json"))

    def send(self, *letters: Letter) -> None:
        """Deliver each once; every one is acknowledged."""
        for letter in letters:
            answer = self.post.deliver(letter)
            assert answer.status_code == 200, f"{answer.status_code} {answer.text}"

    def settle(self, within_s: float = 20.0) -> float:
        """Wait as `drain` does, without the price of a process; the seconds it took."""
        return eventually(self.is_drained, "everything done", within_s)

    def is_drained(self) -> bool:
        return reports.is_drained(self.ledger, SystemClock().now())

    def counts(self) -> dict[str, int]:
        """Events by state."""
        with self.ledger.transaction() as tx:
            return tx.reports.events_by_state()

    def parked(self) -> list[dict[str, Any]]:
        """Subjects that were put aside."""
        return reports.subject_list(self.ledger, parked=True, limit=100)

    def close(self) -> None:
        """Stop whatever still runs; a role that is told to stop exits with 0."""
        codes = {one.name: one.stop() for one in reversed(self.programs) if one.alive}
        self.post.close()
        self.ledger.close()
        assert set(codes.values()) <= {0}, f"{codes}"
