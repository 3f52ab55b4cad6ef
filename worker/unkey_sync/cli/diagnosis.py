"""Why a signature fails: wrong clock, changed body, another source's secret, another vendor's scheme. Pure.

It asks connectors what they would accept; it knows no scheme itself and shows no secret.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Delivery, Rejected

from unkey_sync.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from unkey_sync_connectors.base import Connector

_DIGITS = re.compile(r"(?<![0-9])(?:[0-9]{10}|[0-9]{13}|[0-9]{16})(?![0-9])")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})?")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found. `cause` is a stable code; `remedy` is what to do."""

    cause: str
    explanation: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Suspects:
    """Whom to ask besides the source itself: other configured sources, and other kinds with this source's
    secrets.
    """

    sources: Sequence[Connector] = ()
    kinds: Sequence[Connector] = ()


def diagnose(connector: Connector, delivery: Delivery, now: int, suspects: Suspects) -> Diagnosis:
    """The likeliest reason, most certain first. `now` in microseconds."""
    rejection = _rejection(connector, delivery, now)
    if rejection is None:
        return Diagnosis("valid", "The signature is valid, at this very moment.")
    instants = [now, *stated_instants(delivery)]
    return (
        _clock(connector, delivery, instants)
        or _body(connector, delivery, instants)
        or _other_source(suspects.sources, delivery, instants)
        or _other_kind(suspects.kinds, delivery, instants)
        or _unexplained(rejection)
    )


def stated_instants(delivery: Delivery) -> list[int]:
    """Every instant that a header seems to state, in microseconds."""
    text = " ".join(delivery.headers.values())
    numbers = [int(found) * 10 ** (16 - len(found)) for found in _DIGITS.findall(text)]
    return numbers + [instant for found in _ISO.findall(text) for instant in _from_iso(found)]


def body_variants(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The body as it may have been before something touched it, with what that something does."""
    yield "a line break was added at its end (an editor or `echo` does that)", body.rstrip(b"\r\n")
    yield "the line break at its end was removed", body + b"\n"
    yield "line breaks were changed from LF to CRLF", body.replace(b"\r\n", b"\n")
    yield "line breaks were changed from CRLF to LF", re.sub(rb"(?<!\r)\n", b"\r\n", body)
    yield "a byte order mark was added", body.removeprefix(b"\xef\xbb\xbf")
    for text in _as_json(body):
        yield "the JSON was parsed and written again (sign the raw bytes, not the parsed body)", text.encode()


def _as_json(body: bytes) -> Iterator[str]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    for ascii_only in (False, True):
        yield json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only)
        yield json.dumps(value, ensure_ascii=ascii_only)
        yield json.dumps(value, indent=2, ensure_ascii=ascii_only)


def _from_iso(text: str) -> Iterator[int]:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return
    aware = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    yield round(aware.timestamp() * SECOND)


def _rejection(connector: Connector, delivery: Delivery, now: int) -> Rejected | None:
    try:
        connector.verify(delivery, now)
    except Rejected as rejection:
        return rejection
    return None


def _accepts(connector: Connector, delivery: Delivery, instants: Iterable[int]) -> bool:
    return any(_rejection(connector, delivery, instant) is None for instant in instants)


def _clock(connector: Connector, delivery: Delivery, instants: Sequence[int]) -> Diagnosis | None:
    now = instants[0]
    for instant in instants[1:]:
        if _rejection(connector, delivery, instant) is None:
            seconds = (now - instant) // SECOND
            when = f"{seconds} s ago" if seconds >= 0 else f"{-seconds} s in the future"
            return Diagnosis(
                "clock",
                f"Secret and body are right, but it was signed {when}; {connector.config.tolerance_s} s are allowed.",
                "An old recording is fine. If it has just arrived, correct this machine's clock (NTP).",
            )
    return None


def _body(connector: Connector, delivery: Delivery, instants: Sequence[int]) -> Diagnosis | None:
    for what, body in body_variants(delivery.body):
        if body != delivery.body and _accepts(connector, Delivery(body, delivery.headers), instants):
            return Diagnosis(
                "body",
                f"The secret is right, but the body was changed on its way: {what}.",
                "Hand over the bytes exactly as they arrived; look at proxies and middleware that rewrite bodies.",
            )
    return None


def _other_source(
    suspects: Sequence[Connector], delivery: Delivery, instants: Sequence[int]
) -> Diagnosis | None:
    for suspect in suspects:
        if _accepts(suspect, delivery, instants):
            name = suspect.config.name
            return Diagnosis(
                "other_source",
                f"It was signed for the source {name}.",
                f"Let the sender post to /webhooks/{name}, or give this source the secret of that endpoint.",
            )
    return None


def _other_kind(
    suspects: Sequence[Connector], delivery: Delivery, instants: Sequence[int]
) -> Diagnosis | None:
    for suspect in suspects:
        if _accepts(suspect, delivery, instants):
            return Diagnosis(
                "other_kind",
                f"The secret is right, but it was signed the way {suspect.kind} signs.",
                f'Set kind = "{suspect.kind}" for this source.',
            )
    return None


def _unexplained(rejection: Rejected) -> Diagnosis:
    if rejection.reason == "missing_header":
        return Diagnosis(
            "missing_header",
            f"A signature header is missing ({rejection.hint or 'see the docs of this source'}).",
            "Pass the headers as they arrived, with --header or --headers; look at proxies that drop headers.",
        )
    return Diagnosis(
        "secret",
        f"No configured secret made this signature ({rejection}).",
        "Copy the signing secret of exactly this endpoint again (test and live have different ones); if it is "
        "right, the body was changed on its way.",
    )
