"""Redis Streams with a consumer group. Entries are never deleted here: trimming is the producer's business.

An entry's field `body` (or data, payload, event, message; or the only field) is the message, the others are headers.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any, Final

import redis

from unkey_sync.consume.message import GROUP_LIMIT, Message, to_headers
from unkey_sync.errors import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync.settings.queues import QueueSettings

ABANDONED_MS = 60_000
"""An entry that its consumer has not touched for so long is taken over."""
_BODY_FIELDS: Final = (b"body", b"data", b"payload", b"event", b"message")


class RedisStream:
    """See `message.Queue`. `abandoned_ms`: see ABANDONED_MS."""

    def __init__(self, settings: QueueSettings, abandoned_ms: int = ABANDONED_MS) -> None:
        self._stream, self._group = settings.place, settings.group
        self._abandoned_ms = abandoned_ms
        self._consumer = f"{socket.gethostname()}:{os.getpid()}:{id(self)}"
        self._held = 0
        self._redis: Any = redis.Redis.from_url(
            settings.url.get_secret_value(),
            socket_connect_timeout=5,
            socket_timeout=30,
            socket_keepalive=True,
        )
        with self._reactions():
            self._join_group()

    def receive(self, wait_s: float) -> Sequence[Message]:
        with self._reactions():
            entries = self._abandoned() or self._fresh(wait_s)
        self._held += len(entries)
        return [_message(entry_id, fields) for entry_id, fields in entries]

    def ack(self, messages: Sequence[Message]) -> None:
        with self._reactions():
            self._redis.xack(self._stream, self._group, *(message.token for message in messages))
        self._held -= len(messages)

    def keep(self, messages: Sequence[Message]) -> None:
        """Claims the entries from ourselves, which sets their idle time to zero and counts no delivery."""
        ids = [message.token for message in messages]
        with self._reactions():
            self._redis.xclaim(self._stream, self._group, self._consumer, 0, ids, justid=True)

    def close(self) -> None:
        with contextlib.suppress(Retry), self._reactions():
            if not self._held:  # Redis forgets a consumer's open entries together with the consumer
                self._redis.xgroup_delconsumer(self._stream, self._group, self._consumer)
        self._redis.close()

    def _join_group(self) -> None:
        try:
            self._redis.xgroup_create(self._stream, self._group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def _abandoned(self) -> list[tuple[bytes, Any]]:
        """Entries of consumers that are gone. One cheap command when there are none."""
        found = self._redis.xautoclaim(
            self._stream, self._group, self._consumer, self._abandoned_ms, start_id="0", count=GROUP_LIMIT
        )
        return [(entry_id, fields) for entry_id, fields in found[1] if fields]

    def _fresh(self, wait_s: float) -> list[tuple[bytes, Any]]:
        found = self._redis.xreadgroup(
            self._group,
            self._consumer,
            {self._stream: ">"},
            count=GROUP_LIMIT,
            block=max(int(wait_s * 1000), 1),
        )
        streams = found.items() if isinstance(found, dict) else found or ()
        return [entry for _, entries in streams for entry in _flat(entries)]

    @contextlib.contextmanager
    def _reactions(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            raise Retry(f"stream {self._stream}: Redis said {type(error).__name__}") from error


def _flat(entries: Any) -> list[tuple[bytes, Any]]:
    """RESP3 answers wrap the entries of a stream in one more list."""
    if entries and isinstance(entries[0], list):
        return [entry for part in entries for entry in part]
    return list(entries)


def _message(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Message:
    name = next((name for name in _BODY_FIELDS if name in fields), None)
    if name is None and len(fields) == 1:
        name = next(iter(fields))
    headers = to_headers((key, value) for key, value in fields.items() if key != name)
    return Message(fields[name] if name is not None else b"", headers, entry_id)
