"""HTTP to the APIs of sources (Clerk, Stripe, ...): read-only, paced, with a total deadline and a byte cap.

What a connector asks for goes through here; it knows paths, this knows credentials, pace and failures.
"""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx
import orjson
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from unkey_sync_connectors.base import ApiReply, ApiStream, Gone

from unkey_sync.clock import SECOND
from unkey_sync.errors import Retry, RetryAt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import ApiSpec

    from unkey_sync.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAccess:
    """How this deployment reaches one source's API."""

    source: str
    spec: ApiSpec
    key: str = field(repr=False)
    base_url: str = ""
    deadline_s: float = 20.0
    attempts: int = 4
    max_bytes: int = 16 * 1024 * 1024
    stream_s: float = 60.0
    """How long a stream is listened to at most."""
    quiet_s: float = 5.0
    """After how long without a byte a stream has nothing more to tell for now."""


class _Pace:
    """Spreads requests: at most `rate_per_s`, whoever asks."""

    def __init__(self, clock: Clock, rate_per_s: float) -> None:
        self._clock = clock
        self._gap_s = 1.0 / rate_per_s
        self._next = 0.0
        self._lock = threading.Lock()

    def wait_s(self) -> float:
        with self._lock:
            now = self._clock.monotonic()
            at = max(now, self._next)
            self._next = at + self._gap_s
            return at - now


class HttpSourceApi:
    """The `Api` of one source over HTTP. Raises Gone (404, 410), RetryAt (429), Retry (everything else).

    `note_away` is told after every request whether the source has left it without an answer.
    """

    def __init__(
        self,
        access: ApiAccess,
        clock: Clock,
        jitter: Callable[[], float],
        transport: httpx.BaseTransport | None = None,
        note_away: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._access = access
        self._clock = clock
        self._jitter = jitter
        self._pace = _Pace(clock, access.spec.rate_per_s)
        self._stop = threading.Event()
        self._note_away = note_away
        self._client = httpx.Client(
            base_url=access.base_url or access.spec.base_url,
            transport=transport,
            timeout=httpx.Timeout(access.deadline_s / 2, connect=5.0),
            follow_redirects=False,
            trust_env=False,
            headers={
                "authorization": access.spec.authorization.format(key=access.key),
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": "unkey-sync",
                **{name: text.format(key=access.key) for name, text in access.spec.headers.items()},
            },
        )
        self._retrying = Retrying(
            retry=retry_if_exception_type(Retry),
            stop=lambda state: state.attempt_number >= access.attempts,
            wait=self._backoff_s,
            sleep=self._rest,
            reraise=True,
        )

    def get(
        self,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiReply:
        try:
            reply: ApiReply = self._retrying(self._attempt, path, dict(params or {}), dict(headers or {}))
        except (Retry, RetryAt):
            self._note_away(True)
            raise
        except Gone:
            self._note_away(False)
            raise
        self._note_away(False)
        return reply

    @contextmanager
    def stream(
        self,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[ApiStream]:
        found = self._retrying(self._open, path, dict(params or {}), dict(headers or {}))
        response, began, date = found
        with closing(response):
            yield ApiStream(self._chunks(response, began + self._access.stream_s), date)

    def close(self) -> None:
        self._stop.set()
        self._client.close()

    def _attempt(self, path: str, params: dict[str, Any], headers: dict[str, str]) -> ApiReply:
        self._rest(self._pace.wait_s())
        began = self._clock.monotonic()
        try:
            request = self._client.build_request("GET", path, params=params, headers=headers)
            with closing(self._client.send(request, stream=True)) as response:
                body = self._read(response, began + self._access.deadline_s)
        except httpx.HTTPError as error:
            raise Retry(f"{self._access.source} API: {type(error).__name__}") from error
        date = self._asked_at(response, began)
        self._raise_for(response, date)
        return ApiReply(_json(self._access.source, body), date, dict(response.headers))

    def _open(
        self, path: str, params: dict[str, Any], headers: dict[str, str]
    ) -> tuple[httpx.Response, float, int | None]:
        self._rest(self._pace.wait_s())
        began = self._clock.monotonic()
        try:
            patience = httpx.Timeout(self._access.deadline_s / 2, connect=5.0, read=self._access.quiet_s)
            request = self._client.build_request(
                "GET", path, params=params, headers=headers, timeout=patience
            )
            response = self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise Retry(f"{self._access.source} API: {type(error).__name__}") from error
        date = self._asked_at(response, began)
        try:
            self._raise_for(response, date)
        except BaseException:
            response.close()
            raise
        return response, began, date

    def _chunks(self, response: httpx.Response, deadline: float) -> Iterator[bytes]:
        """A stream that breaks off has ended like any other; one that breaks before it began is a failure."""
        size = 0
        try:
            for chunk in response.iter_bytes():
                size += len(chunk)
                yield chunk
                late = self._clock.monotonic() > deadline
                if late or size > self._access.max_bytes or self._stop.is_set():
                    return
        except httpx.ReadTimeout:
            yield b""
        except httpx.HTTPError as error:
            if not size:
                raise Retry(f"{self._access.source} API: {type(error).__name__}") from error

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > self._access.max_bytes or self._clock.monotonic() > deadline:
                raise Retry(f"{self._access.source} API: answer too large or too slow")
            chunks.append(chunk)
        return b"".join(chunks)

    def _asked_at(self, response: httpx.Response, began: float) -> int | None:
        """The source's clock when we asked: what changed since then may be missing from the answer."""
        text = response.headers.get("date")
        if text is None:
            return None
        try:
            answered = int(parsedate_to_datetime(text).timestamp())
        except ValueError:
            return None
        # Whole seconds on both sides: what changed in the second of the answer may be missing from it.
        elapsed = int(self._clock.monotonic() - began)
        return (answered - elapsed - 1) * SECOND

    def _raise_for(self, response: httpx.Response, date: int | None) -> None:
        name, status = self._access.source, response.status_code
        if status in (404, 410):
            raise Gone(f"{name} API: {status}", date=date, expired=status == 410)
        if status == 429:
            raise RetryAt(f"{name} API: too many requests", after_s=_retry_after_s(response))
        if status in (401, 403):
            raise SourceRefused(f"{name} API: {status}; check its API key and the key's permissions")
        if not 200 <= status < 300:
            raise Retry(f"{name} API: status {status}")

    def _backoff_s(self, state: RetryCallState) -> float:
        return float(0.25 * 2.0**state.attempt_number * (0.5 + self._jitter() / 2))

    def _rest(self, seconds: float) -> None:
        if seconds > 0:
            self._clock.wait(self._stop, seconds)


class SourceRefused(RetryAt):
    """A source does not accept our API key; its doubts wait until it does."""

    code = "source_refused"

    def __init__(self, message: str) -> None:
        super().__init__(message, after_s=30.0)


def _retry_after_s(response: httpx.Response) -> float:
    try:
        return min(max(float(response.headers.get("retry-after", "1")), 1.0), 300.0)
    except ValueError:
        return 5.0


def _json(source: str, body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Retry(f"{source} API: the answer is not JSON") from error
