"""From a queue's settings to a connection, by the scheme of its URL. The libraries of a kind load on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from unkey_sync.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.consume.message import Queue
    from unkey_sync.settings.queues import QueueSettings


class _Adapter(NamedTuple):
    """Where the adapter is, and the extra that brings its library ("": always there)."""

    module: str
    name: str
    extra: str = ""


_RABBITMQ = _Adapter("unkey_sync.consume.rabbitmq", "RabbitQueue")
_REDIS = _Adapter("unkey_sync.consume.redis_streams", "RedisStream")
_SQS = _Adapter("unkey_sync.consume.sqs", "SqsQueue", "sqs")
_KAFKA = _Adapter("unkey_sync.consume.kafka", "KafkaTopic", "kafka")
_ADAPTERS: Final = {
    "amqp": _RABBITMQ,
    "amqps": _RABBITMQ,
    "redis": _REDIS,
    "rediss": _REDIS,
    "sqs": _SQS,
    "kafka": _KAFKA,
    "kafkas": _KAFKA,
}


def connector_of(settings: QueueSettings) -> Callable[[], Queue]:
    """A function that connects (and raises Retry). Raises ConfigError when a library is missing."""
    adapter = _ADAPTERS[settings.scheme]
    try:
        make = getattr(import_module(adapter.module), adapter.name)
    except ImportError as error:
        raise ConfigError(
            f"a {settings.scheme}:// queue needs an extra: pip install 'unkey-sync[{adapter.extra}]'"
        ) from error
    return lambda: cast("Queue", make(settings))
