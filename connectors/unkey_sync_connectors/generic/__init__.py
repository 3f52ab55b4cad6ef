"""Generic: any sender whose proof and payload can be described in the configuration, or by a preset.

`verifying` builds what proves a delivery, `envelope` opens it, `rules` say what it means, `presets` hold what is
known of vendors. There is no API to fetch from or list: what such a source says is all that is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from unkey_sync_connectors.base import Answer, ApiSpec, ConfigProblem
from unkey_sync_connectors.generic import cloudevents
from unkey_sync_connectors.generic.envelope import CLOUDEVENTS, compile_envelope
from unkey_sync_connectors.generic.options import Options, merge
from unkey_sync_connectors.generic.presets import load_preset, load_samples
from unkey_sync_connectors.generic.reading import Reader
from unkey_sync_connectors.generic.rules import compile_rules, speaks_of_people
from unkey_sync_connectors.generic.terms import Terms
from unkey_sync_connectors.generic.verifying import compile_proof

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unkey_sync_connectors.base import Api, Delivery, SourceConfig
    from unkey_sync_connectors.event import Entity, Event


class Generic:
    """See `base.Connector` for what each method promises. Raises ConfigProblem with the path of the key."""

    kind: ClassVar[str] = "generic"
    api: ClassVar[ApiSpec | None] = None
    feed_keeps: ClassVar[int | None] = None

    def __init__(self, config: SourceConfig) -> None:
        options = Options(merge(load_preset(config.options), config.options))
        options.only(("preset", "verify", "envelope", "rules"))
        terms = Terms()
        self.config = config
        self._preset = options.text("preset", "")
        self._proof = compile_proof(options.table("verify"), config)
        envelope, rules = compile_envelope(options.table("envelope"), terms), compile_rules(options, terms)
        if not rules:
            raise options.problem("is required: without rules every event would be ignored", "rules")
        self._reader = Reader(envelope, rules)

    @property
    def auth(self) -> bool:
        return speaks_of_people(self._reader.rules)

    @property
    def takes_cloudevents(self) -> bool:
        return self._reader.envelope.format == CLOUDEVENTS

    def permission(self, delivery: Delivery) -> Answer | None:
        return self._reader.envelope.consent.answer(delivery.headers)

    def kept(self, delivery: Delivery) -> bytes:
        return cloudevents.kept(delivery) if self.takes_cloudevents else delivery.body

    def verify(self, delivery: Delivery, now: int) -> None:
        self._proof.verify(delivery, now)

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        return self._reader.read(self.config, delivery)

    def answer(self) -> Answer:
        return Answer()

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        """Raises ConfigProblem for schemes that only the sender can sign."""
        content_type = {"content-type": "application/cloudevents+json"} if self.takes_cloudevents else {}
        return {**self._proof.sign(body, now), **content_type}

    def fetch(self, api: Api, entity: Entity, owner: Entity | None) -> NoReturn:
        raise ConfigProblem(_NO_API)

    def pages(self, api: Api, checkpoint: str | None) -> NoReturn:
        raise ConfigProblem(_NO_API)

    def catch_up(self, api: Api, since: int, checkpoint: str | None) -> NoReturn:
        raise ConfigProblem(_NO_API)

    def samples(self) -> Mapping[str, Mapping[str, Any]]:
        return load_samples(self._preset)


_NO_API = "a generic source has no API to ask"
