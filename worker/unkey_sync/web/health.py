"""/healthz, /readyz, /metrics.

Liveness touches nothing; readiness runs one injected check; metrics never need the database.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from unkey_sync.errors import SyncError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from unkey_sync.telemetry.metrics import Metrics

READY_DEADLINE_S = 2.0


def health_routes(
    check_ready: Callable[[], object], metrics: Metrics, deadline_s: float = READY_DEADLINE_S
) -> list[Route]:
    """Routes for probes. `check_ready` runs in a thread and raises `SyncError` when the role cannot work."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> JSONResponse:
        try:
            async with asyncio.timeout(deadline_s):
                await asyncio.to_thread(check_ready)
        except SyncError as error:
            return _not_ready(error.code)
        except TimeoutError:
            return _not_ready("timeout")
        return JSONResponse({"status": "ready"})

    async def show_metrics(_: Request) -> Response:
        text, content_type = await asyncio.to_thread(metrics.render)
        return Response(text, headers={"content-type": content_type})

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", show_metrics)]


def _not_ready(code: str) -> JSONResponse:
    body = {"status": "not_ready", "error": {"code": code}}
    return JSONResponse(body, 503, headers={"retry-after": "5"})
