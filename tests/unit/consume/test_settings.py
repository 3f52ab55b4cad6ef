"""A queue is named by the word its server uses, and its address never shows."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from unkey_sync.consume.kafka import consumer_config
from unkey_sync.settings.queues import QueueSettings


def settings(**given: object) -> QueueSettings:
    return QueueSettings.model_validate({"source": "stripe", **given})


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("amqp://host//", "queue"),
        ("rediss://host/1", "stream"),
        ("sqs://eu-west-1", "queue"),
        ("kafka://a:9092,b:9092", "topic"),
    ],
)
def test_each_kind_has_its_own_word_for_the_place(url: str, name: str) -> None:
    assert settings(url=url, **{name: "billing"}).place == "billing"


@pytest.mark.parametrize(
    "given",
    [
        {"url": "amqp://host//"},
        {"url": "amqp://host//", "topic": "billing"},
        {"url": "redis://host", "stream": "billing", "queue": "billing"},
        {"url": "http://host", "queue": "billing"},
        {"url": "amqp://", "queue": "billing"},
        {"url": "amqp://host//", "queue": "billing", "format": "avro"},
        {"url": "amqp://host//", "queue": "billing", "colour": "red"},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**given)


def test_the_address_is_not_shown() -> None:
    made = settings(url="amqp://me:hunter2@host//", queue="billing")

    assert "hunter2" not in repr(made)


def test_a_user_in_a_kafka_address_means_sasl_over_tls() -> None:
    url = "kafkas://me:p%40ss@a:9093,b:9093"

    config = consumer_config(settings(url=url, topic="billing", options={"client.id": "x"}))

    assert config == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "me",
        "sasl.password": "p@ss",
        "client.id": "x",
        "bootstrap.servers": "a:9093,b:9093",
        "group.id": "unkey-sync",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
    }


def test_without_a_user_kafka_is_spoken_in_the_clear_or_over_tls() -> None:
    plain = consumer_config(settings(url="kafka://a:9092", topic="t"))
    tls = consumer_config(settings(url="kafkas://a:9092", topic="t"))

    assert (plain["security.protocol"], tls["security.protocol"]) == ("PLAINTEXT", "SSL")
    assert "sasl.mechanism" not in plain
