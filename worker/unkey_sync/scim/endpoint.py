"""/scim/v2 over ASGI: the token names the tenant, the desk answers in a thread, the engine is woken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from anyio import CapacityLimiter, to_thread
from scim2_server.requests import ScimRequest
from starlette.requests import Request
from starlette.routing import Mount

from unkey_sync.scim.desk import Desk
from unkey_sync.web.body import Left, Refused, read_body, read_headers
from unkey_sync.web.reply import reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim2_server.responses import ScimResponse

    from unkey_sync.scim.tenants import Tenants
    from unkey_sync.web.reply import Receive, Reply, Scope, Send
    from unkey_sync.wiring import Runtime

PREFIX = "/scim/v2"
_THREADS = 2
"""Requests carried out at once; fewer than the ledger has connections, so that webhooks always find one."""
_LINGER_S = 0.5


class ScimEndpoint:
    """Answers everything below /scim/v2. `ring` is called after each request that may have changed something."""

    def __init__(self, desk: Desk, tenants: Tenants, ring: Callable[[], None], body_limit: int) -> None:
        self._desk = desk
        self._tenants = tenants
        self._ring = ring
        self._body_limit = body_limit
        self._threads = CapacityLimiter(_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except Refused as refusal:
            away = self._desk.turn_away(refusal.answer.status)
            away.headers["Connection"] = "close"
            await _to_reply(away).send_then_close(send, _LINGER_S)
            return
        except Left:
            return
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        headers = read_headers(scope)
        tenant = self._tenants.find(headers.get("authorization", ""))
        if tenant is None:
            return _to_reply(self._desk.refuse())
        reads = scope["method"] == "GET"
        body = b"" if reads else await read_body(receive, headers, self._body_limit)
        asked = _to_scim(Request(scope), headers, body)
        answer = await to_thread.run_sync(self._desk.answer, tenant, asked, limiter=self._threads)
        if not reads:
            self._ring()
        return _to_reply(answer)


def create_routes(runtime: Runtime, tenants: Tenants, ring: Callable[[], None]) -> list[Mount]:
    limit = runtime.settings.web.body_limit_bytes
    desk = Desk(runtime.ledger, runtime.inbox, runtime.sealer, runtime.clock, payload_limit=limit)
    endpoint = ScimEndpoint(desk, tenants, ring, limit)
    return [Mount(PREFIX, app=endpoint)]


def _to_scim(request: Request, headers: dict[str, str], body: bytes) -> ScimRequest:
    _, _, path = request.url.path.partition(PREFIX)
    return ScimRequest(
        method=request.method,
        base_url=str(request.base_url).rstrip("/") + PREFIX,
        path=path,
        query=dict(request.query_params),
        headers=headers,
        body=body,
    )


def _to_reply(response: ScimResponse) -> Reply:
    body = b"" if response.body is None else orjson.dumps(response.body)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return reply(int(response.status), body, headers)
