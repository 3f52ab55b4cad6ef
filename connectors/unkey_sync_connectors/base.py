"""What a connector is: verify, parse, answer; fetch, list, catch up.

A connector knows no database, no Celery, no Unkey and opens no socket: HTTP to the source goes through the
`Api` it is handed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from unkey_sync_connectors.event import Entity, Event


class Rejected(Exception):  # noqa: N818  -- named after the reaction, like every error here
    """The delivery is not proven to come from the source. Nothing is stored; the answer is 401.

    `reason` is a stable code: `missing_header`, `no_match`, `too_old`, `too_new`, `bad_timestamp`, ...
    It never quotes a secret, a signature or the body.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(f"{reason}: {hint}" if hint else reason)
        self.reason = reason
        self.hint = hint


class Malformed(Exception):  # noqa: N818
    """The body is authentic but is no event at all (not JSON, not an object). The answer is 400."""


class Unusable(Exception):  # noqa: N818
    """An authentic event that cannot be understood. It is stored, parked with this reason, and answered 2xx.

    `reason` names the field, never its value.
    """

    def __init__(self, reason: str, *, delivery_id: str | None = None, event_type: str = "unknown") -> None:
        super().__init__(reason)
        self.reason = reason
        self.delivery_id = delivery_id
        self.event_type = event_type


class Gone(Exception):  # noqa: N818
    """The source says that the object does not exist (404, 410).

    `date`: the source's clock when it said so (its Date header), microseconds, or None; it orders the delete.
    `expired`: it existed (410).
    """

    def __init__(self, message: str = "", *, date: int | None = None, expired: bool = False) -> None:
        super().__init__(message)
        self.date = date
        self.expired = expired


class ConfigProblem(ValueError):  # noqa: N818  -- found at start-up; the engine turns it into its ConfigError
    """A connector cannot be built from its configuration. Names what and where, never a secret.

    `path`: the keys, below the source's own table, that lead to the mistake; () when it is no single key.
    """

    def __init__(self, message: str, *, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True)
class Delivery:
    """One HTTP request or queue message as received. Header names are lower-case; `body` is the raw bytes."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told. Each source accepts its own set of success answers."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """A configured source. `secrets`: any one that matches is enough (rotation). `tolerance_s`: both ways.

    `account`: accept only events of this instance or mode ("" = any). `metadata_keys`: the metadata keys that
    link rules read; all others are dropped at the door. `orders`: read one-time purchases; where nobody sells
    credits they are ignored. `options`: the source's own tables, as the file has
    them, for kinds that are configured beyond this (generic); nothing in them is secret.
    """

    name: str
    kind: str
    secrets: tuple[str, ...] = field(repr=False, default=())
    tolerance_s: int = 300
    account: str = ""
    metadata_keys: frozenset[str] = frozenset()
    orders: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApiReply:
    """JSON answer of a source's API.

    `date`: the source's own clock when it was asked (from its Date header), microseconds, or None. It becomes
    the version of objects that have none: a change made while the answer was being written must not lose to
    it.
    """

    data: Any = field(repr=False)
    date: int | None = None
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApiStream:
    """An answer that goes on until somebody hangs up: the source, or the engine at its limits of time and size.

    `chunks`: its bytes as they come. An empty one is the last, and says that nothing more came for a while.
    `date`: as in `ApiReply`.
    """

    chunks: Iterator[bytes] = field(repr=False)
    date: int | None = None


class Api(Protocol):
    """The source's HTTP API, handed in by the engine: base URL, credentials, rate, retries are its concern.

    Raises `Gone` on 404 and 410; every other failure is the engine's own error and passes through.
    `headers` are added to the request; passed only where a source needs one (Stripe's connected accounts).
    """

    def get(
        self,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiReply: ...

    def stream(
        self,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[ApiStream]:
        """For the few sources that tell their events on a connection that stays open. Leaving hangs up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a listing or feed.

    `checkpoint` resumes *after* this page (opaque text). `total`: objects in the whole listing, if the source
    says so. `last`: the listing is complete with this page. `gap`: why the feed cannot have shown everything
    that it was asked for, "" when it could.
    """

    events: Sequence[Event]
    checkpoint: str
    last: bool
    total: int | None = None
    gap: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSpec:
    """How to reach a source's API. `rate_per_s`: what we allow ourselves, well under the vendor's limit."""

    base_url: str
    rate_per_s: float
    headers: Mapping[str, str] = field(default_factory=dict)
    authorization: str = "Bearer {key}"


class Connector(Protocol):
    """The code for one kind of source. Instances are cheap, immutable and thread-safe."""

    kind: ClassVar[str]
    api: ClassVar[ApiSpec | None]
    feed_keeps: ClassVar[int | None]
    """How far back `catch_up` can be asked, microseconds; None: not known, or what it reads forgets nothing."""
    config: SourceConfig

    @property
    def auth(self) -> bool:
        """True: it says who exists. Where such a source is configured, billing alone makes nobody exist.

        A class variable where the kind decides; the generic kind is one or the other by its rules.
        """

    def __init__(self, config: SourceConfig) -> None: ...

    def verify(self, delivery: Delivery, now: int) -> None:
        """Prove on the raw bytes that the source sent this. `now` in microseconds. Raises `Rejected`."""

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        """Read an authentic body. Raises `Malformed`, `Unusable`. Never empty: ignored types give IGNORE."""

    def answer(self) -> Answer:
        """The success answer this source understands."""

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        """Headers that `verify` accepts, made with the first secret (for `trigger` and tests)."""

    def fetch(self, api: Api, entity: Entity, owner: Entity | None) -> Event:
        """The object as it is now, as an upsert, or a delete when it is gone."""

    def pages(self, api: Api, checkpoint: str | None) -> Iterator[Page]:
        """List everything, page by page (backfill). `checkpoint` of the last stored page; None begins."""

    def catch_up(self, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
        """Replay what the source says happened since `since` (microseconds, source's clock), oldest first."""

    def samples(self) -> Mapping[str, Mapping[str, Any]]:
        """Event type -> a payload as the vendor documents it, for `trigger` and tests."""


@runtime_checkable
class Challenged(Protocol):
    """A connector whose source asks the endpoint a question, by GET, before it sends anything there."""

    def challenge(self, delivery: Delivery) -> Answer | None:
        """The answer to a GET; None when it is no challenge. Raises `Rejected`."""


@runtime_checkable
class Sparing(Protocol):
    """A connector of whose deliveries something else than the body is to be stored."""

    def kept(self, delivery: Delivery) -> bytes:
        """What it takes to read the delivery again without its headers, and no secret that it brought along."""


@runtime_checkable
class CloudEventsTarget(Protocol):
    """A connector that may be the target of CloudEvents (their HTTP and queue bindings, their web hooks)."""

    @property
    def takes_cloudevents(self) -> bool:
        """True: it reads events in their envelope, in every mode."""

    def permission(self, delivery: Delivery) -> Answer | None:
        """The answer to an OPTIONS request that asks to send events here; None: no consent."""
