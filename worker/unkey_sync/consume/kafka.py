"""Kafka and what speaks its protocol (Redpanda, Event Hubs, MSK) through confluent-kafka.

Offsets are committed by hand, after the messages are stored. One message's key keeps its order; nothing else does.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from confluent_kafka import Consumer, KafkaException, TopicPartition

from unkey_sync.consume.message import GROUP_LIMIT, Message, to_headers
from unkey_sync.errors import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync.settings.queues import QueueSettings

_MORE_S = 0.02


class KafkaTopic:
    """See `message.Queue`. Uncommitted messages come again to whoever gets their partition."""

    def __init__(self, settings: QueueSettings) -> None:
        self._topic = settings.place
        with self._reactions():
            self._consumer: Any = Consumer(
                consumer_config(settings), logger=logging.getLogger("unkey_sync.consume.kafka")
            )
            self._consumer.subscribe([self._topic])

    def receive(self, wait_s: float) -> Sequence[Message]:
        with self._reactions():
            first = self._consumer.poll(wait_s)
            if first is None:
                return []
            # `consume` waits for the full number or the time to pass: only what is there already is wanted.
            found = [first, *self._consumer.consume(GROUP_LIMIT - 1, _MORE_S)]
        return [self._message(one) for one in found]

    def ack(self, messages: Sequence[Message]) -> None:
        """Refused after a rebalance: the messages then come again, to us or another."""
        reached: dict[int, int] = {}
        for partition, offset in (message.token for message in messages):
            reached[partition] = max(reached.get(partition, 0), offset + 1)
        offsets = [TopicPartition(self._topic, partition, offset) for partition, offset in reached.items()]
        with self._reactions():
            self._consumer.commit(offsets=offsets, asynchronous=False)

    def keep(self, messages: Sequence[Message]) -> None:
        """Polls while paused: a consumer that does not poll loses its partitions after five minutes."""
        with self._reactions():
            partitions = self._consumer.assignment()
            self._consumer.pause(partitions)
            stray = self._consumer.poll(0)
            self._consumer.resume(partitions)
        if stray is not None:
            # Committing past a message that nobody stored would lose it; reading again from the commit does not.
            raise Retry(f"topic {self._topic}: a message came while paused")

    def close(self) -> None:
        with contextlib.suppress(Retry), self._reactions():
            self._consumer.close()

    def _message(self, one: Any) -> Message:
        if one.error() is not None:
            raise Retry(f"topic {self._topic}: Kafka said {one.error().name()}")
        return Message(one.value() or b"", to_headers(one.headers() or ()), (one.partition(), one.offset()))

    @contextlib.contextmanager
    def _reactions(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            raise Retry(f"topic {self._topic}: Kafka said {error.args[0].name()}") from error


def consumer_config(settings: QueueSettings) -> dict[str, str | bool]:
    """librdkafka's configuration. A user in the URL means SASL (PLAIN unless `options` say otherwise)."""
    servers = settings.url.get_secret_value()
    scheme, _, rest = servers.partition("://")
    parts = urlsplit(servers)
    secured = {"kafka": "PLAINTEXT", "kafkas": "SSL"}[scheme]
    config: dict[str, str | bool] = {"security.protocol": secured}
    if parts.username is not None:
        config = {
            "security.protocol": {"PLAINTEXT": "SASL_PLAINTEXT", "SSL": "SASL_SSL"}[secured],
            "sasl.mechanism": "PLAIN",
            "sasl.username": unquote(parts.username),
            "sasl.password": unquote(parts.password or ""),
        }
    return {
        **config,
        **{name: value.get_secret_value() for name, value in settings.options.items()},
        "bootstrap.servers": rest.rpartition("@")[2].strip("/"),
        "group.id": settings.group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
    }
