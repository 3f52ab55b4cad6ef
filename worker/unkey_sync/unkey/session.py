"""Between the typed operations and the wire: gate, attempts, reaction, typed answer.

The one place that every call passes. It knows no operation in particular.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import orjson
from pydantic import ValidationError

from unkey_sync.errors import Park, Retry, RetryAt, Unknown
from unkey_sync.unkey.budget import Priority
from unkey_sync.unkey.call import Call
from unkey_sync.unkey.circuit import Failure
from unkey_sync.unkey.endpoints import Effect, Endpoint
from unkey_sync.unkey.models import Answer, Page
from unkey_sync.unkey.reactions import Reaction, error_for, in_doubt, lost, pause_after, reaction_to
from unkey_sync.unkey.reply import Held, Lost, NotSent, Outcome, Reply

if TYPE_CHECKING:
    from unkey_sync.clock import Clock
    from unkey_sync.unkey.call import Wire
    from unkey_sync.unkey.config import UnkeyConfig
    from unkey_sync.unkey.gate import Gate
    from unkey_sync.unkey.meter import Meter
    from unkey_sync.unkey.retry import Jitter, Repeater

A = TypeVar("A", bound=Answer)
Body = Mapping[str, Any]

_FAILURES = {
    Reaction.STOP: Failure.AUTH,
    Reaction.RETRY: Failure.SERVER,
    Reaction.UNKNOWN: Failure.SERVER,
    # Our request was refused, and that before authentication: it says nothing about server or root key.
    Reaction.PARK: Failure.OURS,
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Session:
    """Thread-safe.

    Raises every reaction but LostLease; errors carry operation and request id, never bodies.
    """

    config: UnkeyConfig
    wire: Wire
    gate: Gate
    clock: Clock
    repeater: Repeater
    jitter: Jitter
    meter: Meter
    priority: Priority = Priority.LIVE

    def at(self, priority: Priority) -> Session:
        """The same session, whose calls the gate treats as of this priority."""
        return replace(self, priority=priority)

    def one(self, endpoint: Endpoint, body: Body, answer: type[A]) -> A:
        reply = self._reply(endpoint, body)
        return _typed(endpoint, reply, answer, {} if reply.data is None else reply.data)

    def some(self, endpoint: Endpoint, body: Body, answer: type[A]) -> list[A]:
        """For answers that are a whole list."""
        return _typed_list(endpoint, self._reply(endpoint, body), answer)

    def every(self, endpoint: Endpoint, body: Body, answer: type[A]) -> Iterator[A]:
        """All items, page by page.

        Raises `Retry` rather than end early: a short listing reads like a removal.
        """
        wanted = {"limit": self.config.page_size, **body}
        seen: set[str] = set()
        while True:
            reply = self._reply(endpoint, wanted)
            page = _typed(endpoint, reply, Page, reply.page)
            yield from _typed_list(endpoint, reply, answer)
            if not page.has_more:
                return
            if not page.cursor or page.cursor in seen:
                raise Retry(f"{endpoint.name}: the listing does not advance", operation=endpoint.name)
            seen.add(page.cursor)
            wanted["cursor"] = page.cursor

    def _reply(self, endpoint: Endpoint, body: Body) -> Reply:
        read = endpoint.effect is Effect.READ
        seconds = self.config.read_deadline_s if read else self.config.write_deadline_s
        call = Call(endpoint, _encoded(endpoint, body), self.clock.monotonic() + seconds)
        outcome = self.repeater.run(self._attempt, call)
        error = error_for(endpoint, outcome, now=self.clock.now(), jitter_s=self.jitter())
        if isinstance(error, Unknown):
            self.meter.unknown(endpoint.name)
        if error is not None:
            raise error
        return cast("Reply", outcome)

    def _attempt(self, call: Call) -> Outcome:
        try:
            self.gate.enter(self.priority)
        except RetryAt as held:
            return Held(str(held), held.after_s)
        began = self.clock.monotonic()
        outcome = self.wire.attempt(call)
        status = outcome.status if isinstance(outcome, Reply) else None
        self.meter.called(call.endpoint.name, status, self.clock.monotonic() - began)
        call.in_doubt |= in_doubt(outcome, call.endpoint.effect)
        self._report(call.endpoint, outcome)
        return outcome

    def _report(self, endpoint: Endpoint, outcome: Reply | Lost | NotSent) -> None:
        """Tell the gate what this attempt says about Unkey as a whole."""
        match outcome:
            case Reply():
                self._report_reply(endpoint, outcome)
            case NotSent(ours=True):
                self.gate.failed(Failure.OURS)
            case _:
                self.gate.failed(Failure.SERVER)

    def _report_reply(self, endpoint: Endpoint, reply: Reply) -> None:
        self.gate.observed(reply.headers)
        reaction = reaction_to(reply, endpoint.effect)
        if reaction is Reaction.RETRY_AT:
            pause_s = pause_after(reply, self.clock.now()) + self.jitter()
            self.gate.paused(pause_s)
            self.meter.throttled(endpoint.name, pause_s)
        failure = _FAILURES.get(reaction)
        if failure is None:
            self.gate.succeeded()
        else:
            self.gate.failed(failure)


def _encoded(endpoint: Endpoint, body: Body) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        raise Park(f"{endpoint.name}: the request is not JSON", operation=endpoint.name) from None


def _typed(endpoint: Endpoint, reply: Reply, answer: type[A], data: object) -> A:
    try:
        return answer.model_validate(data)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in entry["loc"]) for entry in error.errors()})
    why = f"wrong types in {answer.__name__}: {', '.join(fields)[:200] or 'the answer'}"
    raise lost(endpoint, why, reply.request_id)


def _typed_list(endpoint: Endpoint, reply: Reply, answer: type[A]) -> list[A]:
    items = [] if reply.data is None else reply.data
    if not isinstance(items, list):
        raise lost(endpoint, f"{answer.__name__}s are not a list", reply.request_id)
    return [_typed(endpoint, reply, answer, item) for item in items]
