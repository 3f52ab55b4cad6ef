"""A small real connector (HMAC over timestamp and body) and an in-memory inbox, for the receiver's tests."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, ClassVar

from unkey_sync.errors import Park, SyncError
from unkey_sync.intake import Intake, Receipt
from unkey_sync_connectors.base import (
    Answer,
    ApiSpec,
    Connector,
    Delivery,
    Malformed,
    Page,
    Rejected,
    SourceConfig,
    Unusable,
)
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import Api

SECRET = "tin-whistle-and-a-long-secret"


class Toy:
    """Signs `{seconds}.{body}` with HMAC-SHA256, hex, in `x-toy-signature: t=..,v=..`."""

    kind: ClassVar[str] = "toy"
    api: ClassVar[ApiSpec | None] = None
    feed_keeps: ClassVar[int | None] = None
    auth: ClassVar[bool] = True
    header: ClassVar[str] = "x-toy-signature"

    def __init__(self, config: SourceConfig) -> None:
        self.config = config

    def verify(self, delivery: Delivery, now: int) -> None:
        if self.header not in delivery.headers:
            raise Rejected("missing_header", self.header)
        stamp, _, signature = delivery.headers[self.header].partition(",v=")
        seconds = int(stamp.removeprefix("t=") or 0)
        if not any(
            _equal(self._digest(one, seconds, delivery.body), signature) for one in self.config.secrets
        ):
            raise Rejected("no_match")
        if abs(now // 1_000_000 - seconds) > self.config.tolerance_s:
            raise Rejected("too_old")

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        try:
            data = json.loads(delivery.body)
        except ValueError as error:
            raise Malformed("not JSON") from error
        if not isinstance(data, dict):
            raise Malformed("not an object")
        if "user" not in data:
            raise Unusable("user", delivery_id=data.get("id"), event_type=data.get("type", "unknown"))
        return [_event(self.config.name, data)]

    def answer(self) -> Answer:
        return Answer()

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        seconds = now // 1_000_000
        return {self.header: f"t={seconds},v={self._digest(self.config.secrets[0], seconds, body)}"}

    def fetch(self, api: Api, entity: Entity, owner: Entity | None) -> Event:
        raise NotImplementedError

    def pages(self, api: Api, checkpoint: str | None) -> Iterator[Page]:
        raise NotImplementedError

    def catch_up(self, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
        raise NotImplementedError

    def samples(self) -> Mapping[str, Mapping[str, Any]]:
        return {"user.created": {"id": "evt_sample", "type": "user.created", "user": "user_1", "at": 1}}

    def _digest(self, secret: str, seconds: int, body: bytes) -> str:
        return hmac.new(secret.encode(), b"%d." % seconds + body, hashlib.sha256).hexdigest()


class Bell(Toy):
    """The same scheme under another header name: another vendor."""

    kind: ClassVar[str] = "bell"
    header: ClassVar[str] = "x-bell-signature"


def toy(name: str = "toy", secret: str = SECRET) -> Connector:
    return Toy(SourceConfig(name=name, kind="toy", secrets=(secret,)))


class MemoryInbox:
    """Stores what it is given, once per delivery id.

    `broken`: raised instead; `poison`: user that cannot be stored.
    """

    def __init__(self, broken: BaseException | None = None, poison: str = "") -> None:
        self.broken = broken
        self.poison = poison
        self.groups: list[int] = []
        self.stored: dict[str, Intake] = {}

    def accept(self, intakes: Sequence[Intake]) -> Sequence[Receipt]:
        self.groups.append(len(intakes))
        if self.broken is not None:
            raise self.broken
        if any(event.entity == Entity(Kind.USER, self.poison) for one in intakes for event in one.events):
            raise Park("A value cannot be stored.")
        return [self._store(one) for one in intakes]

    def _store(self, intake: Intake) -> Receipt:
        known = _id(intake) in self.stored
        self.stored.setdefault(_id(intake), intake)
        return Receipt(0, 1) if known else Receipt(1, 0)


def _id(intake: Intake) -> str:
    return (
        intake.events[0].delivery_id if intake.events else f"parked:{hashlib.sha256(intake.raw).hexdigest()}"
    )


def _event(source: str, data: dict[str, Any]) -> Event:
    return Event(
        source=source,
        account="",
        delivery_id=str(data.get("id", "evt")),
        type=str(data.get("type", "user.created")),
        occurred_at=int(data.get("at", 0)),
        op=EventOp.IGNORE if data.get("type") == "noise" else EventOp.UPSERT,
        entity=Entity(Kind.USER, str(data["user"])),
    )


def _equal(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())


__all__ = ["SECRET", "Bell", "MemoryInbox", "SyncError", "Toy", "toy"]
