"""The ASGI application: Unkey's API under /v2, the sandbox's own controls under /_sandbox, a page at /."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync.sandbox.call import Reply
from unkey_sync.sandbox.control import handle_control
from unkey_sync.sandbox.delivery import Connection, deliver
from unkey_sync.sandbox.envelope import success
from unkey_sync.sandbox.execute import execute
from unkey_sync.sandbox.history import Entry
from unkey_sync.sandbox.http import (
    Answer,
    Disconnected,
    Receive,
    Request,
    Scope,
    Send,
    read_request,
    send_answer,
    text_answer,
)
from unkey_sync.sandbox.ids import hash_secret, new_id
from unkey_sync.sandbox.operations import OPERATIONS
from unkey_sync.sandbox.page import render_page

if TYPE_CHECKING:
    from unkey_sync.sandbox.faults import Rule
    from unkey_sync.sandbox.world import World

_API = "/v2/"
_LIVENESS = "/v2/liveness"
_CONTROL = "/_sandbox/"


class App:
    """Raw ASGI: one object per sandbox. `world` is open to in-process tests."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            await self._serve(scope, receive, send)
        except Disconnected:
            return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await read_request(scope, receive)
        operation = request.path.removeprefix(_API)
        if operation in OPERATIONS and request.path.startswith(_API) and request.method == "POST":
            await self._call(operation, request, Connection(scope, receive, send))
        else:
            await send_answer(send, self._other(request))

    async def _call(self, operation: str, request: Request, connection: Connection) -> None:
        world = self.world
        rules = self._faults(operation, request) if world.faults.rules else ()
        if not rules:
            await connection.answer(execute(world, operation, request))
            return
        await deliver(connection, rules, _Work(world, operation, request))

    def _faults(self, operation: str, request: Request) -> list[Rule]:
        secret = request.headers.get("authorization", "").removeprefix("Bearer ")
        root_key = self.world.state.root_keys.find("hash", hash_secret(secret))
        return list(self.world.faults.pick(operation, root_key.name if root_key else None))

    def _other(self, request: Request) -> Answer:
        """Everything that is no call of an operation."""
        if request.path == _LIVENESS:
            return _liveness(request)
        if request.path.removeprefix(_API) in OPERATIONS and request.path.startswith(_API):
            return text_answer("Method Not Allowed\n", 405, {"Allow": "POST"})
        if request.path.startswith(_CONTROL):
            return handle_control(self.world, request)
        if request.path == "/":
            return render_page(self.world)
        return text_answer("404 page not found\n", 404)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                if self.world.store is not None:
                    self.world.store.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "lifespan.startup.complete"})


@dataclass(frozen=True, slots=True)
class _Work:
    """A call that faults were picked for."""

    world: World
    operation: str
    request: Request

    @property
    def accept(self) -> str:
        return self.request.headers.get("accept", "")

    def done(self, fault: str | None) -> Answer:
        return execute(self.world, self.operation, self.request, fault)

    def undone(self, fault: str, status: int | None) -> None:
        now = self.world.clock.now_ms()
        self.world.history.add(Entry(self.operation, status, None, "", now, False, None, fault))


def _liveness(request: Request) -> Answer:
    if request.method not in ("GET", "HEAD"):
        return text_answer("Method Not Allowed\n", 405, {"Allow": "GET, HEAD"})
    return success(Reply({"message": "we're cooking"}), new_id("req"), {})
