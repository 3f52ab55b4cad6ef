"""One POST of one message. Anything but 2xx is Retry; no text of an error holds the URL, the body or the answer."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import httpx

from unkey_sync.errors import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.clock import Clock
    from unkey_sync.handover.message import Message
    from unkey_sync.handover.target import Target

DEADLINE_S = 10.0
"""Looking up, connecting, sending and the head of the answer, all together."""


class Post:
    """Sends to one target. `make_transport`: a fresh transport for each message, so nothing is kept open."""

    def __init__(
        self, target: Target, make_transport: Callable[[], httpx.BaseTransport], clock: Clock
    ) -> None:
        self._target = target
        self._make_transport = make_transport
        self._clock = clock

    def __call__(self, message: Message) -> None:
        """Returns when the other side has answered 2xx. Its body is never read. Raises Retry or Refused."""
        client = httpx.Client(
            transport=self._make_transport(), follow_redirects=False, trust_env=False, timeout=DEADLINE_S
        )
        with client:
            request = client.build_request(
                "POST",
                self._target.url,
                headers=message.headers,
                content=message.body,
                extensions={"deadline": self._clock.monotonic() + DEADLINE_S},
            )
            status = _status(client, request)
        if not 200 <= status < 300:
            raise Retry(f"the receiver of keys answered {status}")


def _status(client: httpx.Client, request: httpx.Request) -> int:
    try:
        with closing(client.send(request, stream=True)) as response:
            return response.status_code
    except httpx.HTTPError as error:
        raise Retry(f"the receiver of keys did not answer ({type(error).__name__})") from None
