"""/metrics and probes of every role: on their own ports, and answered while the database is away."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.killing import port_of, through
from tests.e2e.processes import eventually
from tests.e2e.wire import Plain, Proxy, Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.deployment import Deployment
    from tests.e2e.senders import Writer

ROLES = ("serve", "worker", "scheduler")
SCRAPE_S = 1.0
START_S = 90.0
"""Five processes start at once, on a machine that may have other things to do."""


@pytest.fixture
def proxy(database: str) -> Iterator[Proxy]:
    made = Proxy(port_of(database), Plain, Watch())
    yield made
    made.close()


def free_ports() -> int:
    """The first of two ports that nobody uses."""
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def get(url: str, path: str) -> tuple[int, float, str]:
    """Status, seconds, text."""
    began = time.monotonic()
    answer = httpx.get(f"{url}{path}", timeout=10, trust_env=False)
    return answer.status_code, time.monotonic() - began, answer.text


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_scraped_and_probed_with_and_without_its_database(
    role: str, deployment: Deployment, database: str, proxy: Proxy
) -> None:
    program = deployment.start(role, "--port", "0", UNKEY_SYNC_DATABASE_URL=through(database, proxy.port))
    url = program.ready()["url"]
    eventually(lambda: get(url, "/readyz")[0] == 200, "readiness")
    label = "receiver" if role == "serve" else role
    up = get(url, "/metrics")
    proxy.cut()

    down = {path: get(url, path) for path in ("/metrics", "/healthz", "/readyz")}
    proxy.open()
    eventually(lambda: get(url, "/readyz")[0] == 200, "readiness again")

    assert f'role="{label}"' in up[2]
    assert {path: status for path, (status, _, _) in down.items()} == {
        "/metrics": 200,
        "/healthz": 200,
        "/readyz": 503,
    }
    assert down["/metrics"][1] < SCRAPE_S
    assert program.stop() == 0


def test_a_worker_that_is_stopped_while_it_starts_ends_in_peace(deployment: Deployment) -> None:
    program = deployment.start("worker", "--port", "0")
    program.ready()

    assert program.stop() == 0


def test_workers_on_one_machine_do_not_collide_and_count_what_they_do(
    deployment: Deployment, write: Writer
) -> None:
    first = free_ports()
    receiver = deployment.serve()
    silent = [deployment.start("worker") for _ in range(2)]
    pair = deployment.start("worker", "--processes", "2", "--port", str(first))
    urls = [f"http://127.0.0.1:{first + number}" for number in range(2)]
    for url in urls:
        eventually(lambda url=url: _answers(url), f"{url} answers", START_S)  # type: ignore[misc]
    assert [one.stop() for one in silent] == [0, 0]

    deployment.send(*[write.user(f"user_probe_{number}") for number in range(20)])
    deployment.settle()
    counted = sum(_applied(get(url, "/metrics")[2]) for url in urls)

    assert counted >= 20
    assert pair.stop() == 0
    assert receiver.stop() == 0


def test_a_port_that_is_taken_is_said_at_once(deployment: Deployment) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        said = deployment.cli("worker", "--port", port, expect=1)

    assert f"Cannot listen on 127.0.0.1:{port}" in said


def _answers(url: str) -> bool:
    try:
        return get(url, "/healthz")[0] == 200
    except httpx.TransportError:
        return False


def _applied(text: str) -> float:
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("unkey_sync_events_finished_total") and 'outcome="applied"' in line
    )
