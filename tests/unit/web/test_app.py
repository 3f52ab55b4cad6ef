"""Everything beside the webhooks: probes, metrics, unknown paths; and the drained end."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest
from unkey_sync.clock import FakeClock
from unkey_sync.errors import Retry
from unkey_sync.telemetry.metrics import Metrics
from unkey_sync.web.app import ReceiverApp, create_pages
from unkey_sync.web.group_commit import GroupCommit
from unkey_sync.web.health import health_routes
from unkey_sync.web.hooks import HookParts, Hooks

from tests.unit.web.support import MemoryInbox, toy


def ready() -> None:
    """Nothing is wrong."""


def build(check: Any = ready) -> ReceiverApp:
    metrics = Metrics("1.2.3", "serve")
    store = GroupCommit(MemoryInbox().accept, lambda: None)
    parts = HookParts(connectors={"toy": toy()}, store=store, clock=FakeClock(), metrics=metrics.receiver)
    return ReceiverApp(Hooks(parts), create_pages(health_routes(check, metrics, deadline_s=0.05)), store)


def ask(method: str, path: str, check: Any = ready) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(build(check))
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            return await client.request(method, path)

    return asyncio.run(run())


def test_liveness_touches_nothing():
    def explode() -> None:
        raise AssertionError("asked")

    answer = ask("GET", "/healthz", explode)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readiness_is_the_injected_check():
    assert ask("GET", "/readyz").json() == {"status": "ready"}


def test_a_failing_check_is_not_ready_and_names_the_code_only():
    def away() -> None:
        raise Retry("connection to 10.0.0.1 refused")

    answer = ask("GET", "/readyz", away)

    assert (answer.status_code, answer.json()) == (503, {"status": "not_ready", "error": {"code": "retry"}})


def test_a_hanging_check_is_not_ready():
    gate = threading.Event()
    threading.Timer(0.2, gate.set).start()

    answer = ask("GET", "/readyz", lambda: gate.wait(5))

    assert answer.json()["error"]["code"] == "timeout"


def test_metrics_are_prometheus_text():
    answer = ask("GET", "/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert 'unkey_sync_build_info{python="' in answer.text
    assert 'version="1.2.3"' in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("POST", "/healthz", 405, "method_not_allowed"),
        ("GET", "/webhooks/toy", 405, "method_not_allowed"),
        ("POST", "/webhooks/", 401, "unauthorized"),
        ("POST", "/webhooks/toy/more", 401, "unauthorized"),
    ],
)
def test_refusals_are_json(method, path, status, code):
    answer = ask(method, path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_the_store_is_drained_when_the_server_stops():
    app = build()
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(app({"type": "lifespan"}, receive, send))

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with pytest.raises(RuntimeError, match="after shutdown"):
        app.store._writer.submit(int)
