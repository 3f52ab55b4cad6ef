"""The one table from what Unkey answers to what the loop does next, and the one function that applies it.

Dispatch is on the suffix of `error.type`; the status alone counts only for answers that carry no such type.
docs/unkey-client.md shows the same table; a test compares the two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum

from unkey_sync.errors import Adopt, Park, Relink, Retry, RetryAt, Stop, SyncError, Unknown
from unkey_sync.unkey.endpoints import Effect, Endpoint
from unkey_sync.unkey.reply import Held, Lost, NotSent, Outcome, Reply

WHOLE_SECONDS = re.compile(r"-?[0-9]{1,12}")
MIN_PAUSE_S = 1.0
MAX_PAUSE_S = 300.0
"""Unkey's window is a minute. Whatever asks for more is asked again after five."""


class Reaction(StrEnum):
    DONE = "done"
    RETRY = "retry"
    UNKNOWN = "unknown"
    RETRY_AT = "retry_at"
    RELINK = "relink"
    ADOPT = "adopt"
    PARK = "park"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Row:
    """`match` is the suffix of error.type, or a status when the answer has no type we know."""

    match: str
    reaction: Reaction


BY_TYPE: tuple[Row, ...] = (
    Row("unkey/application/invalid_input", Reaction.PARK),
    Row("unkey/application/request_body_too_large", Reaction.PARK),
    Row("user/bad_request/permissions_query_syntax_error", Reaction.PARK),
    Row("unkey/data/ratelimit_namespace_gone", Reaction.PARK),
    Row("unkey/authentication/malformed", Reaction.STOP),
    Row("unkey/authentication/key_not_found", Reaction.STOP),
    Row("unkey/authorization/insufficient_permissions", Reaction.STOP),
    Row("unkey/authorization/forbidden", Reaction.STOP),
    Row("unkey/authorization/key_disabled", Reaction.STOP),
    Row("unkey/authorization/workspace_disabled", Reaction.STOP),
    Row("unkey/data/workspace_not_found", Reaction.STOP),
    Row("unkey/data/api_not_found", Reaction.STOP),
    Row("unkey/data/migration_not_found", Reaction.STOP),
    Row("unkey/application/protected_resource", Reaction.STOP),
    Row("unkey/application/precondition_failed", Reaction.STOP),
    Row("unkey/data/identity_not_found", Reaction.RELINK),
    Row("unkey/data/key_not_found", Reaction.RELINK),
    Row("unkey/data/role_not_found", Reaction.RELINK),
    Row("unkey/data/permission_not_found", Reaction.RELINK),
    Row("unkey/data/identity_already_exists", Reaction.ADOPT),
    Row("unkey/data/role_already_exists", Reaction.ADOPT),
    Row("unkey/data/permission_already_exists", Reaction.ADOPT),
    Row("user/too_many_requests/workspace_rate_limited", Reaction.RETRY_AT),
    Row("user/bad_request/request_timeout", Reaction.UNKNOWN),
    Row("user/bad_request/client_closed_request", Reaction.UNKNOWN),
    Row("unkey/application/service_unavailable", Reaction.RETRY),
    Row("unkey/application/unexpected_error", Reaction.RETRY),
)

BY_STATUS: tuple[Row, ...] = (
    Row("2xx", Reaction.DONE),
    Row("400", Reaction.PARK),
    Row("401", Reaction.STOP),
    Row("403", Reaction.STOP),
    Row("404", Reaction.STOP),
    Row("405", Reaction.STOP),
    Row("412", Reaction.STOP),
    Row("413", Reaction.PARK),
    Row("415", Reaction.PARK),
    Row("429", Reaction.RETRY_AT),
    Row("other", Reaction.UNKNOWN),
)

_TYPES = {row.match: row.reaction for row in BY_TYPE}
_STATUSES = {row.match: row.reaction for row in BY_STATUS}
_PLAIN: dict[Reaction, type[SyncError]] = {
    Reaction.RETRY: Retry,
    Reaction.UNKNOWN: Unknown,
    Reaction.RELINK: Relink,
    Reaction.ADOPT: Adopt,
    Reaction.PARK: Park,
    Reaction.STOP: Stop,
}


def reaction_to(reply: Reply, effect: Effect) -> Reaction:
    """What the loop does after this answer."""
    if "security" in reply.locations:
        return Reaction.STOP  # the Authorization header was lost on the way: every subject would be refused
    reaction = _TYPES.get(reply.type) or _by_status(reply.status)
    if reaction is Reaction.RETRY and effect is Effect.ONCE:
        return Reaction.UNKNOWN  # a 500 after an ambiguous commit: the object may exist
    if reaction is Reaction.UNKNOWN and effect is Effect.READ:
        return Reaction.RETRY  # a read has no outcome that could be in doubt
    return reaction


def in_doubt(outcome: Outcome, effect: Effect) -> bool:
    """Whether the call may have been carried out although it did not succeed."""
    if isinstance(outcome, Reply):
        return reaction_to(outcome, effect) in {Reaction.RETRY, Reaction.UNKNOWN}
    return isinstance(outcome, Lost)


def _by_status(status: int) -> Reaction:
    if 200 <= status < 300:
        return Reaction.DONE
    return _STATUSES.get(str(status), _STATUSES["other"])


def lost(endpoint: Endpoint, why: str, request_id: str = "") -> SyncError:
    """No usable answer came. A read has no outcome that could be in doubt."""
    failure = Retry if endpoint.effect is Effect.READ else Unknown
    message = f"{endpoint.name}: no usable answer ({why})"
    return failure(message, operation=endpoint.name, request_id=request_id)


def error_for(endpoint: Endpoint, outcome: Outcome, *, now: int, jitter_s: float = 0.0) -> SyncError | None:
    """The error to raise for an outcome, or None for a success. `now`: microseconds, UTC.

    Messages hold the operation, status, error type and schema locations; never a body or a detail text.
    """
    match outcome:
        case Reply():
            return _error_for_reply(endpoint, outcome, now=now, jitter_s=jitter_s)
        case Lost(why):
            return lost(endpoint, why)
        case NotSent(why):
            return Retry(f"{endpoint.name}: not sent ({why})", operation=endpoint.name)
        case Held(why, after_s):
            return RetryAt(why, after_s=after_s, operation=endpoint.name)


def _error_for_reply(endpoint: Endpoint, reply: Reply, *, now: int, jitter_s: float) -> SyncError | None:
    reaction = reaction_to(reply, endpoint.effect)
    if reaction is Reaction.DONE:
        return None
    message = f"{endpoint.name}: {reply.status} {reply.type or 'without an Unkey error type'}"
    if reply.locations:
        message += f" at {', '.join(reply.locations)}"
    if reaction is Reaction.RETRY_AT:
        after_s = pause_after(reply, now) + jitter_s
        return RetryAt(message, after_s=after_s, operation=endpoint.name, request_id=reply.request_id)
    return _PLAIN[reaction](message, operation=endpoint.name, request_id=reply.request_id)


def pause_after(reply: Reply, now: int) -> float:
    """Seconds to wait after a 429.

    Retry-After (seconds or HTTP date), else RateLimit-Reset, in sane bounds.
    """
    asked = _seconds(reply.headers.get("retry-after"), now)
    if asked is None:
        asked = _seconds(reply.headers.get("ratelimit-reset"), now)
    return min(max(asked or 0.0, MIN_PAUSE_S), MAX_PAUSE_S)


def _seconds(value: str | None, now: int) -> float | None:
    if value is None:
        return None
    if WHOLE_SECONDS.fullmatch(value):
        return float(value)
    try:
        return parsedate_to_datetime(value).timestamp() - now / 1_000_000
    except (ValueError, OverflowError):
        return None
