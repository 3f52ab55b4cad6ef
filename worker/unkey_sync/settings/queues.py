"""A message queue that carries a source's events: where it is, what is in it, whom to believe."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

_PLACES: Final = {
    "amqp": "queue",
    "amqps": "queue",
    "redis": "stream",
    "rediss": "stream",
    "sqs": "queue",
    "kafka": "topic",
    "kafkas": "topic",
}
"""What each kind of server calls the place that messages come from."""


def _url(url: SecretStr) -> SecretStr:
    scheme, separator, rest = url.get_secret_value().partition("://")
    if not separator or not rest or scheme not in _PLACES:
        raise ValueError(f"must begin with one of {', '.join(f'{one}://' for one in _PLACES)}")
    return url


class QueueSettings(BaseModel):
    """One queue. Whoever may write to it is believed, unless `verify` is set."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[SecretStr, AfterValidator(_url)] = Field(
        description="amqp(s)://user:password@host/vhost, redis(s)://host/db, sqs://REGION, kafka(s)://host:port,..."
    )
    source: str = Field(min_length=1, description="The configured source whose events these are.")
    queue: str = Field(default="", description="Name of the queue (RabbitMQ, SQS).")
    stream: str = Field(default="", description="Key of the stream (Redis).")
    topic: str = Field(default="", description="Name of the topic (Kafka).")
    group: str = Field(
        default="unkey-sync", min_length=1, description="Consumer group (Redis Streams, Kafka)."
    )
    format: Literal["vendor", "cloudevents", "eventbridge", "eventgrid"] = Field(
        default="vendor", description="What a message is: the vendor's body, or the envelope around it."
    )
    verify: bool = Field(
        default=False,
        description="Check the source's signature, which the message's headers then must carry.",
    )
    endpoint: str | None = Field(default=None, description="Address of SQS instead of Amazon's own.")
    options: dict[str, SecretStr] = Field(
        default_factory=dict, description="librdkafka's own settings (Kafka only)."
    )

    @property
    def scheme(self) -> str:
        return self.url.get_secret_value().partition("://")[0]

    @property
    def place(self) -> str:
        """The queue, stream or topic."""
        return str(getattr(self, _PLACES[self.scheme]))

    @model_validator(mode="after")
    def _named(self) -> Self:
        wanted = _PLACES[self.scheme]
        given = [name for name in ("queue", "stream", "topic") if getattr(self, name)]
        if given != [wanted]:
            raise ValueError(f"a {self.scheme}:// queue is named by `{wanted}`, and by nothing else")
        return self
