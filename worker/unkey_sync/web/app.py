"""The ASGI application of a receiver: webhooks on the fast path, everything else through Starlette's routes.

It owns the life of the group commit (drained at shutdown) and nothing else; the dashboard and SCIM hand in
their routes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from unkey_sync.web.hooks import PREFIX, Hooks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from unkey_sync.web.group_commit import GroupCommit
    from unkey_sync.web.reply import Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class ReceiverApp:
    """`hooks` answers everything below /webhooks/, `pages` the rest.

    `store` is drained when the server stops.
    """

    hooks: Hooks
    pages: Starlette
    store: GroupCommit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self.hooks(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self.pages(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.store.close()
        await send({"type": "lifespan.shutdown.complete"})


def create_pages(routes: Sequence[BaseRoute]) -> Starlette:
    """Starlette with these routes and JSON errors (404, 405)."""
    return Starlette(routes=list(routes), exception_handlers={HTTPException: answer_error})


async def answer_error(request: Request, problem: Exception) -> JSONResponse:
    """Say in JSON what Starlette would say in plain text."""
    if not isinstance(problem, HTTPException):
        raise problem
    code = problem.detail.lower().replace(" ", "_")
    body = {"error": {"code": code, "message": problem.detail}}
    return JSONResponse(body, problem.status_code, headers=dict(problem.headers or {}))
