"""One API call from request to answer, in upstream's order of checks, as one transaction.

Synchronous: calls never mix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unkey_sync.sandbox.auth import Admission, admit, authenticate
from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.envelope import refusal, success
from unkey_sync.sandbox.errors import Refused, bad_request
from unkey_sync.sandbox.history import Entry
from unkey_sync.sandbox.ids import new_id
from unkey_sync.sandbox.intake import accept
from unkey_sync.sandbox.operations import OPERATIONS
from unkey_sync.sandbox.state import Tx

if TYPE_CHECKING:
    from unkey_sync.sandbox.http import Answer, Request
    from unkey_sync.sandbox.rights import Principal
    from unkey_sync.sandbox.world import World


@dataclass(slots=True)
class Progress:
    """What became known on the way, also when the call is refused."""

    body: Any = None
    principal: Principal | None = None
    admission: Admission | None = None
    committed: bool = False


def execute(world: World, operation: str, request: Request, fault: str | None = None) -> Answer:
    """Do the call and note it in the history. `fault`: what will happen to the answer, for the history."""
    now = world.catch_up()
    progress = Progress()
    request_id = new_id("req")
    headers = dict[str, str]()
    try:
        reply = _attempt(world, operation, request, progress)
    except Refused as refused:
        headers = progress.admission.headers if progress.admission else {}
        answer = refusal(refused.problem, request_id, request.headers.get("accept", ""), headers)
    else:
        answer = success(reply, request_id, progress.admission.headers if progress.admission else headers)
    alias = progress.principal.name if progress.principal else None
    world.history.add(
        Entry(operation, answer.status, alias, request_id, now, progress.committed, progress.body, fault)
    )
    return answer


def _attempt(world: World, operation: str, request: Request, progress: Progress) -> Reply:
    accepted = accept(request, operation)
    progress.body = accepted.body
    now = world.clock.now_ms()
    node = world.nodes.pick(request.headers.get("x-sandbox-node"))
    progress.principal = authenticate(world, node, request.headers["authorization"], now)
    progress.admission = admit(world, node, progress.principal, now)
    if accepted.unbindable:
        raise bad_request("The request body is invalid. The request body was not valid JSON.")
    call = Call(world, progress.principal, accepted.body, now, node, Tx(world.state))
    try:
        reply = OPERATIONS[operation](call)
        call.commit()
        return reply
    finally:
        call.tx.rollback()  # nothing is left to undo after a commit
        progress.committed = call.committed
