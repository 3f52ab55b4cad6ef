"""Amazon SQS through boto3, which finds its credentials itself (role, profile, variables).

FIFO queues keep their order within a group, since a group's next messages come only after ours are deleted.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from unkey_sync.consume.message import Message, to_headers
from unkey_sync.errors import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync.settings.queues import QueueSettings

BATCH = 10
"""Most messages in one call (SQS API reference)."""
GROUP_CALLS = 10
KEEP_S = 60


class SqsQueue:
    """See `message.Queue`. Unacknowledged messages come back after the queue's visibility timeout."""

    def __init__(self, settings: QueueSettings) -> None:
        self._name = settings.place
        self._client: Any = _client(settings)
        with self._reactions():
            self._url: str = self._client.get_queue_url(QueueName=self._name)["QueueUrl"]

    def receive(self, wait_s: float) -> Sequence[Message]:
        """Several calls make a group: the first one waits, the others take what is there."""
        found: list[Message] = []
        with self._reactions():
            for call in range(GROUP_CALLS):
                batch = self._receive(0 if call else int(wait_s))
                found += batch
                if len(batch) < BATCH:
                    break
        return found

    def ack(self, messages: Sequence[Message]) -> None:
        """What cannot be deleted comes again and is a duplicate then."""
        with self._reactions():
            for entries in _batches(messages):
                self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def keep(self, messages: Sequence[Message]) -> None:
        with self._reactions():
            for entries in _batches(messages):
                timed = [{**entry, "VisibilityTimeout": KEEP_S} for entry in entries]
                self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=timed)

    def close(self) -> None:
        with contextlib.suppress(Retry), self._reactions():
            self._client.close()

    def _receive(self, wait_s: int) -> list[Message]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=wait_s,
            MessageAttributeNames=["All"],
        )
        return [_message(one) for one in answer.get("Messages", ())]

    @contextlib.contextmanager
    def _reactions(self) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise Retry(f"queue {self._name}: SQS said {_code(error)}") from error


def _client(settings: QueueSettings) -> Any:
    import boto3  # noqa: PLC0415  -- importing it opens a socket (urllib3 looks for IPv6)
    from botocore.config import Config  # noqa: PLC0415

    timeouts = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 2, "mode": "standard"})
    region = urlsplit(settings.url.get_secret_value()).hostname
    session = boto3.session.Session()
    return session.client("sqs", region_name=region, endpoint_url=settings.endpoint, config=timeouts)


def _message(one: dict[str, Any]) -> Message:
    attributes = one.get("MessageAttributes", {}).items()
    headers = to_headers((name, value.get("StringValue")) for name, value in attributes)
    return Message(one["Body"].encode(), headers, one["ReceiptHandle"])


def _batches(messages: Sequence[Message]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(messages), BATCH):
        group = messages[start : start + BATCH]
        yield [{"Id": str(number), "ReceiptHandle": one.token} for number, one in enumerate(group)]


def _code(error: BotoCoreError | ClientError) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "ClientError"))
    return type(error).__name__
