"""What the connectors for vendors have in common: a proof, and modules that do the work. Knows no vendor.

Other people's connectors need not use it: `base.Connector` is what counts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from unkey_sync_connectors.base import Answer
from unkey_sync_connectors.samples import load_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import Api, ApiSpec, Delivery, Page, SourceConfig
    from unkey_sync_connectors.event import Entity, Event
    from unkey_sync_connectors.signing import Proof


@dataclass(frozen=True, slots=True)
class Parts:
    """What a vendor's modules do, each for a source as it is configured."""

    read: Callable[[SourceConfig, Delivery], Sequence[Event]]
    fetch: Callable[[SourceConfig, Api, Entity, Entity | None], Event]
    pages: Callable[[SourceConfig, Api, str | None], Iterator[Page]]
    catch_up: Callable[[SourceConfig, Api, int, str | None], Iterator[Page]]


class Native(ABC):
    """See `base.Connector` for what each method promises. A subclass names its parts and its proof."""

    kind: ClassVar[str]
    auth: ClassVar[bool]
    api: ClassVar[ApiSpec | None]
    feed_keeps: ClassVar[int | None] = None
    parts: ClassVar[Parts]

    def __init__(self, config: SourceConfig) -> None:
        self.config = config
        self._proof = self.prove(config)

    @abstractmethod
    def prove(self, config: SourceConfig) -> Proof:
        """What proves this source's deliveries. Raises ConfigProblem."""

    def verify(self, delivery: Delivery, now: int) -> None:
        self._proof.verify(delivery, now)

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        return self.parts.read(self.config, delivery)

    def answer(self) -> Answer:
        return Answer()

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        return self._proof.sign(body, now)

    def fetch(self, api: Api, entity: Entity, owner: Entity | None) -> Event:
        return self.parts.fetch(self.config, api, entity, owner)

    def pages(self, api: Api, checkpoint: str | None) -> Iterator[Page]:
        return self.parts.pages(self.config, api, checkpoint)

    def catch_up(self, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
        return self.parts.catch_up(self.config, api, since, checkpoint)

    def samples(self) -> Mapping[str, Mapping[str, Any]]:
        return load_samples(self.kind)
