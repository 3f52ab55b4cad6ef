"""One attempt: send a request, read the answer within the deadline and the byte cap, and say what came of it.

Accidents become values here (Reply, Lost, NotSent), so the rest of the client knows no HTTP library. Only
what failed before a connection stood is NotSent: a reset while sending looks the same as one after the
effect.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from unkey_sync.unkey.reply import Lost, NotSent, Reply, read_reply

if TYPE_CHECKING:
    from unkey_sync.clock import Clock
    from unkey_sync.unkey.config import UnkeyConfig
    from unkey_sync.unkey.endpoints import Endpoint

USER_AGENT = "unkey-sync"


@dataclass(slots=True)
class Call:
    """A call and its attempts so far.

    `deadline`: monotonic seconds. `in_doubt`: some attempt may have had its effect.
    """

    endpoint: Endpoint
    content: bytes = field(repr=False)
    deadline: float
    in_doubt: bool = False


class TooLarge(Exception):  # noqa: N818
    pass


class TooLate(Exception):  # noqa: N818
    pass


class Wire:
    """Sends calls through a transport.

    No client on top: no redirects, cookies, proxies from the environment or logs.
    """

    def __init__(self, config: UnkeyConfig, transport: httpx.BaseTransport, clock: Clock) -> None:
        self._config = config
        self._transport = transport
        self._clock = clock
        self._headers = httpx.Headers(
            {
                "Authorization": f"Bearer {config.root_key.reveal()}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
                "User-Agent": USER_AGENT,
            }
        )
        self._base = config.base_url.rstrip("/")
        self._urls: dict[str, httpx.URL] = {}

    def attempt(self, call: Call) -> Reply | Lost | NotSent:
        try:
            response = self._transport.handle_request(self._request(call))
            with closing(response):
                body = self._read(response, call.deadline)
        except httpx.PoolTimeout:
            return NotSent("no free connection", ours=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            # The text names the cause (DNS, refused, certificate); no request exists yet that it could quote.
            return NotSent(f"{type(error).__name__}: {error}"[:200])
        except (httpx.RequestError, httpx.StreamError, TooLarge, TooLate) as error:
            return Lost(type(error).__name__)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return read_reply(response.status_code, headers, body)

    def close(self) -> None:
        self._transport.close()

    def _request(self, call: Call) -> httpx.Request:
        left = max(0.001, call.deadline - self._clock.monotonic())
        timeouts = {
            "connect": min(self._config.connect_s, left),
            "pool": min(self._config.pool_s, left),
            "read": left,
            "write": left,
        }
        return httpx.Request(
            "POST",
            self._url(call.endpoint),
            headers=self._headers,
            content=call.content,
            extensions={"timeout": timeouts, "deadline": call.deadline},
        )

    def _url(self, endpoint: Endpoint) -> httpx.URL:
        url = self._urls.get(endpoint.name)
        if url is None:
            url = self._urls[endpoint.name] = httpx.URL(self._base + endpoint.path)
        return url

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        chunks: list[bytes] = []
        room = self._config.max_answer_bytes
        for chunk in response.stream:  # type: ignore[union-attr]  # a sync transport's stream is sync
            room -= len(chunk)
            if room < 0:
                raise TooLarge
            if self._clock.monotonic() > deadline:
                raise TooLate
            chunks.append(chunk)
        return b"".join(chunks)
