"""Real and stand-in brokers behind one face: make an empty queue, publish to it, say how to consume it.

RabbitMQ and Redis are servers; SQS is moto's server; Kafka is Tansu, a broker in its own right, and the mock broker
inside librdkafka. Both speak the protocol over TCP, with groups and committed offsets.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import boto3
import kombu
import redis
from confluent_kafka import Producer
from unkey_sync.consume.connecting import connector_of
from unkey_sync.consume.redis_streams import RedisStream
from unkey_sync.settings.queues import QueueSettings

from tests.contract.consume.tansu import PARTITIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.consume.message import Queue

    from tests.contract.consume.tansu import TansuServer

_kombu: Any = kombu


class Broker:
    """`connect` is what the product does, apart from waits that only a test cannot afford."""

    settings: QueueSettings

    def connect(self) -> Queue:
        return connector_of(self.settings)()


class Rabbit(Broker):
    def __init__(self, url: str) -> None:
        self.name = f"unkey-sync-test-{uuid.uuid4().hex[:12]}"
        self._connection = _kombu.Connection(url)
        self._queue = _kombu.Queue(self.name, durable=True)(self._connection.channel())
        self._queue.queue_declare()
        self._producer = self._connection.Producer()
        self.settings = QueueSettings.model_validate({"url": url, "queue": self.name, "source": "clerk"})

    def publish(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """AMQP has a property of its own for the content type."""
        given = dict(headers or {})
        content_type = given.pop("content-type", "application/octet-stream")
        self._producer.publish(
            body,
            routing_key=self.name,
            headers=given,
            content_type=content_type,
            content_encoding="binary",
        )

    def left(self) -> int:
        """Messages that are ready or given out; all consumers must be closed."""
        return int(self._queue.queue_declare(passive=True).message_count)

    def remove(self) -> None:
        self._queue.delete()
        self._connection.release()


class Stream(Broker):
    def __init__(self, url: str) -> None:
        self.name = f"unkey-sync-test:{uuid.uuid4().hex[:12]}"
        self._redis: Any = redis.Redis.from_url(url)
        self.settings = QueueSettings.model_validate({"url": url, "stream": self.name, "source": "clerk"})

    def publish(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._redis.xadd(self.name, {"body": body, **(headers or {})})

    def connect(self) -> Queue:
        """Takes over after a millisecond what a dead consumer has left, not after a minute."""
        return RedisStream(self.settings, abandoned_ms=1)

    def left(self) -> int:
        (group,) = self._redis.xinfo_groups(self.name)
        return int(group["pending"]) + int(group["lag"])

    def remove(self) -> None:
        self._redis.delete(self.name)
        self._redis.close()


class Sqs(Broker):
    def __init__(self, endpoint: str) -> None:
        self.name = f"unkey-sync-test-{uuid.uuid4().hex[:12]}"
        session = boto3.session.Session()
        self._client: Any = session.client("sqs", region_name="eu-west-1", endpoint_url=endpoint)
        # What is not deleted comes back at once: a test does not wait for Amazon's half a minute.
        made = self._client.create_queue(QueueName=self.name, Attributes={"VisibilityTimeout": "1"})
        self._url = made["QueueUrl"]
        self.settings = QueueSettings.model_validate(
            {"url": "sqs://eu-west-1", "queue": self.name, "source": "clerk", "endpoint": endpoint}
        )

    def publish(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        attributes = {
            name: {"DataType": "String", "StringValue": value} for name, value in (headers or {}).items()
        }
        self._client.send_message(QueueUrl=self._url, MessageBody=body.decode(), MessageAttributes=attributes)

    def left(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def remove(self) -> None:
        self._client.delete_queue(QueueUrl=self._url)
        self._client.close()


class Kafka(Broker):
    def __init__(self, producer: Any, address: str) -> None:
        self.name = f"unkey-sync-test-{uuid.uuid4().hex[:12]}"
        self._producer = producer
        self.settings = QueueSettings.model_validate(
            {
                "url": f"kafka://{address}",
                "topic": self.name,
                "group": self.name,
                "source": "clerk",
                # The mock broker keeps a place for a member that has left until its session is over.
                "options": {"session.timeout.ms": "4000", "heartbeat.interval.ms": "500"},
            }
        )

    def publish(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._producer.produce(self.name, body, key=b"one", headers=dict(headers or {}))
        self._producer.flush(10)

    def left(self) -> int:
        from confluent_kafka import Consumer, TopicPartition  # noqa: PLC0415

        reader: Any = Consumer(
            {
                "bootstrap.servers": self.settings.url.get_secret_value().removeprefix("kafka://"),
                "group.id": self.name,
            }
        )
        partitions = reader.list_topics(self.name, timeout=5).topics[self.name].partitions
        places = [TopicPartition(self.name, number) for number in partitions]
        committed = {one.partition: max(one.offset, 0) for one in reader.committed(places, timeout=5)}
        ends = {one.partition: reader.get_watermark_offsets(one, timeout=5)[1] for one in places}
        reader.close()
        return sum(ends[number] - committed[number] for number in ends)

    def remove(self) -> None:
        """The mock broker ends with its producer."""


class Tansu(Kafka):
    """A topic of several partitions, with messages on all of them."""

    def __init__(self, server: TansuServer) -> None:
        super().__init__(Producer({"bootstrap.servers": server.address}), server.address)
        self._server = server
        self._server.create(self.name)
        self._published = 0

    def publish(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._producer.produce(
            self.name, body, partition=self._published % PARTITIONS, headers=dict(headers or {})
        )
        self._published += 1
        self._producer.flush(10)

    def remove(self) -> None:
        self._server.delete(self.name)


def mock_kafka() -> tuple[Any, str]:
    """A producer that carries a mock broker, and the broker's address."""
    producer: Any = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "unused", "log_level": 2})
    (broker,) = producer.list_topics(timeout=10).brokers.values()
    return producer, f"{broker.host}:{broker.port}"
