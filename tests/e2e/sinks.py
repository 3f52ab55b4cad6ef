"""Every place where a secret could come to rest, read as text: logs, command line, Redis, database, answers."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import redis
import sqlalchemy as sa
from unkey_sync.ledger.tables import metadata

from tests.e2e.processes import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.e2e.deployment import Deployment


class Monitor:
    """Every command that Redis is given, from now until it is closed: broker messages among them."""

    def __init__(self, url: str) -> None:
        client: Any = redis.Redis.from_url(url)  # half typed
        self._client = client
        self._lines: list[str] = []
        self._monitor = client.monitor()
        self._monitor.__enter__()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """What was said, and whatever is stored under any name."""
        return "\n".join([*self._lines, *self._stored()])

    def close(self) -> None:
        self._client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        self._thread.join(5)
        self._client.close()

    def _listen(self) -> None:
        try:
            for said in self._monitor.listen():
                self._lines.append(said["command"])
        except (redis.RedisError, ValueError, OSError):
            return

    def _stored(self) -> Iterable[str]:
        readers = {
            b"string": self._client.get,
            b"list": lambda name: self._client.lrange(name, 0, -1),
            b"set": self._client.smembers,
            b"hash": self._client.hgetall,
            b"zset": lambda name: self._client.zrange(name, 0, -1),
        }
        for name in self._client.scan_iter():
            yield f"{name!r} {readers[self._client.type(name)](name)!r}"


@dataclass
class Console:
    """Runs commands and keeps all that they print, on both streams."""

    deployment: Deployment
    printed: list[str] = field(default_factory=list)

    def run(self, *arguments: str, **environment: str) -> int:
        """The exit code."""
        done = subprocess.run(
            [COMMAND, *arguments],
            env={**self.deployment.environment, "UNKEY_SYNC_LOG_LEVEL": "DEBUG", **environment},
            cwd=self.deployment.folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        self.printed.append(f"$ {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
        return done.returncode

    def text(self) -> str:
        return "\n".join(self.printed)


def tables(deployment: Deployment) -> str:
    """Every row of every table; bytes as they lie there, so that what is not really sealed is seen."""
    with deployment.ledger.engine.connect() as connection:
        rows = {table.name: connection.execute(sa.select(table)).all() for table in metadata.sorted_tables}
    return "\n".join(
        f"{name} {[_text(value) for value in row]}" for name, found in rows.items() for row in found
    )


def _text(value: object) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def logs(deployment: Deployment) -> str:
    """Both streams of every process."""
    return "\n".join(program.log() + program.out.read_text() for program in deployment.programs)
