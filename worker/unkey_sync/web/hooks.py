"""POST /webhooks/{source}: verify, parse, store, answer. A raw ASGI callable, because this is the hot path.

Verification and parsing cost about a tenth of a millisecond and run on the event loop; the database has a
thread of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from unkey_sync_connectors.base import (
    Challenged,
    CloudEventsTarget,
    Delivery,
    Malformed,
    Rejected,
    Unusable,
)

from unkey_sync.errors import Park, SyncError
from unkey_sync.intake import Intake, kept
from unkey_sync.web.body import BODY_LIMIT, Left, Refused, read_body, read_headers
from unkey_sync.web.reply import MALFORMED, NOT_ALLOWED, UNAUTHORIZED, UNAVAILABLE, from_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync_connectors.base import Answer, Connector

    from unkey_sync.clock import Clock
    from unkey_sync.telemetry.metrics import ReceiverMetrics
    from unkey_sync.web.group_commit import GroupCommit
    from unkey_sync.web.reply import Receive, Reply, Scope, Send

PREFIX = "/webhooks/"
UNKNOWN = "unknown"
"""Metric label for names that are not configured: a stranger must not be able to invent label values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookParts:
    """What the hooks need. `body_limit` in bytes; `linger_s`: see `Reply.send_then_close`."""

    connectors: Mapping[str, Connector]
    store: GroupCommit
    clock: Clock
    metrics: ReceiverMetrics
    body_limit: int = BODY_LIMIT
    linger_s: float = 0.5


class Hooks:
    """The webhook endpoints of all sources that have a secret."""

    def __init__(self, parts: HookParts) -> None:
        self._parts = parts
        self._success = {name: from_answer(one.answer()) for name, one in parts.connectors.items()}
        self._log = structlog.get_logger("unkey_sync.web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        source = scope["path"][len(PREFIX) :]
        if scope["method"] != "POST":
            await self._question(source, scope).send(send)
            return
        started = self._parts.clock.monotonic()
        try:
            answer = await self._receive(source, scope, receive)
        except Refused as refusal:
            await refusal.answer.send_then_close(send, self._parts.linger_s)
            return
        except Left:
            return
        await answer.send(send)
        if source in self._success:
            self._parts.metrics.acked(source, self._parts.clock.monotonic() - started)

    def _question(self, source: str, scope: Scope) -> Reply:
        """Some sources ask first: by GET who we are, by OPTIONS whether they may. All else is a mistake."""
        question = Delivery(b"", read_headers(scope))
        try:
            answer = _asked(self._parts.connectors.get(source), scope["method"], question)
        except Rejected as rejection:
            return self._rejected(source, rejection.reason)
        return from_answer(answer) if answer is not None else NOT_ALLOWED

    async def _receive(self, source: str, scope: Scope, receive: Receive) -> Reply:
        # The body is read before the source is looked up: an unknown source looks exactly like a known one.
        headers = read_headers(scope)
        body = await read_body(receive, headers, self._parts.body_limit)
        connector = self._parts.connectors.get(source)
        if connector is None:
            return self._rejected(UNKNOWN, "unknown_source")
        delivery = Delivery(body, headers)
        try:
            connector.verify(delivery, self._parts.clock.now())
            intake = _to_intake(connector, source, delivery)
        except Rejected as rejection:
            return self._rejected(source, rejection.reason)
        except Malformed:
            self._parts.metrics.received(source, "malformed")
            return MALFORMED
        return await self._store(intake)

    async def _store(self, intake: Intake) -> Reply:
        try:
            self._parts.metrics.stored(intake, await self._parts.store.store(intake))
        except Park as refusal:
            return await self._store_parked(intake, refusal)
        except SyncError as error:
            self._parts.metrics.received(intake.source, "unavailable")
            self._log.warning("delivery_not_stored", source=intake.source, error_code=error.code)
            return UNAVAILABLE
        return self._success[intake.source]

    async def _store_parked(self, intake: Intake, refusal: Park) -> Reply:
        """What the database cannot hold is kept raw and parked: a refusal would only be delivered again."""
        if intake.parked is not None:
            self._parts.metrics.received(intake.source, "malformed")
            self._log.error("delivery_not_storable", source=intake.source, error_code=refusal.code)
            return MALFORMED
        first = intake.events[0]
        parked = Unusable("not_storable", delivery_id=first.delivery_id, event_type=first.type)
        return await self._store(Intake(intake.source, (), intake.raw, parked))

    def _rejected(self, source: str, reason: str) -> Reply:
        self._parts.metrics.received(source, "rejected")
        self._log.warning("delivery_rejected", source=source, outcome="rejected", error_code=reason)
        return UNAUTHORIZED


def _to_intake(connector: Connector, source: str, delivery: Delivery) -> Intake:
    raw = kept(connector, delivery)
    try:
        return Intake(source, tuple(connector.parse(delivery)), raw)
    except Unusable as unusable:
        return Intake(source, (), raw, unusable)


def _asked(connector: Connector | None, method: str, question: Delivery) -> Answer | None:
    """What a source's sender is told that asks before it sends; None when this is no such question."""
    if method == "GET" and isinstance(connector, Challenged):
        return connector.challenge(question)
    if method == "OPTIONS" and isinstance(connector, CloudEventsTarget):
        return connector.permission(question)
    return None
