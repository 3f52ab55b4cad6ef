"""RabbitMQ through kombu. The queue must exist: who declares it decides its type, limits and dead letters."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import kombu

from unkey_sync.consume.message import GROUP_LIMIT, Message, to_headers
from unkey_sync.errors import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync.settings.queues import QueueSettings

_kombu: Any = kombu  # annotated in part only
HEARTBEAT_S = 30
_MORE_S = 0.01
"""How long to look for another message once there is one."""


class RabbitQueue:
    """See `message.Queue`. Unacknowledged messages go back when the connection ends."""

    def __init__(self, settings: QueueSettings) -> None:
        self._name = settings.place
        self._arrived: list[Message] = []
        url = settings.url.get_secret_value()
        self._connection = _kombu.Connection(url, heartbeat=HEARTBEAT_S, connect_timeout=5)
        with self._reactions():
            self._channel = self._connection.channel()
            # Never more than one group is out, so that a whole group is acknowledged by its last message.
            self._channel.basic_qos(0, GROUP_LIMIT, False)
            consumer = _kombu.Consumer(
                self._channel, [_kombu.Queue(self._name)], on_message=self._take, auto_declare=False
            )
            consumer.consume()

    def receive(self, wait_s: float) -> Sequence[Message]:
        with self._reactions():
            self._connection.heartbeat_check()
            if not self._arrived:
                self._drain(wait_s)
            while self._arrived and len(self._arrived) < GROUP_LIMIT and self._drain(_MORE_S):
                pass
        arrived, self._arrived = self._arrived, []
        return arrived

    def ack(self, messages: Sequence[Message]) -> None:
        with self._reactions():
            self._channel.basic_ack(messages[-1].token, multiple=True)

    def keep(self, messages: Sequence[Message]) -> None:
        """Answers heartbeats; what arrives meanwhile belongs to the next group."""
        with self._reactions():
            self._connection.heartbeat_check()
            self._drain(_MORE_S)

    def close(self) -> None:
        with contextlib.suppress(Retry), self._reactions():
            self._connection.release()

    def _drain(self, wait_s: float) -> bool:
        try:
            self._connection.drain_events(timeout=wait_s)
        except TimeoutError:
            return False
        return True

    def _take(self, message: Any) -> None:
        body = message.body
        headers = to_headers((message.headers or {}).items())
        if message.content_type:
            headers.setdefault("content-type", message.content_type)
        raw = body.encode() if isinstance(body, str) else bytes(body)
        self._arrived.append(Message(raw, headers, message.delivery_tag))

    @contextlib.contextmanager
    def _reactions(self) -> Iterator[None]:
        failures = (*self._connection.connection_errors, *self._connection.channel_errors, OSError)
        try:
            yield
        except failures as error:
            # The error's own text may hold the URL with its password.
            raise Retry(f"queue {self._name}: RabbitMQ said {type(error).__name__}") from error
