"""SCIM 2.0: identity providers (Okta, Entra ID, OneLogin, JumpCloud) write users and groups into us.

They call /scim/v2, not a webhook: the protocol lives in the engine's `scim` package. Here is what a change says
(`statements`), and the reading of stored statements for a replay. There is no API of theirs to ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

from unkey_sync_connectors.base import Answer, ConfigProblem, Rejected
from unkey_sync_connectors.scim.statements import read_statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from unkey_sync_connectors.base import Api, ApiSpec, Delivery, SourceConfig
    from unkey_sync_connectors.event import Entity, Event

_NO_WEBHOOK = "SCIM has no webhooks; point the identity provider at /scim/v2"
_NO_API = "a SCIM source has no API to ask; its identity provider sends everything again on its own cycle"


class Scim:
    """One tenant: `config.secrets` are its bearer tokens. See `base.Connector` for what each method promises."""

    kind: ClassVar[str] = "scim"
    auth: ClassVar[bool] = True
    api: ClassVar[ApiSpec | None] = None
    feed_keeps: ClassVar[int | None] = None

    def __init__(self, config: SourceConfig) -> None:
        self.config = config

    def verify(self, delivery: Delivery, now: int) -> None:
        """Always raises Rejected: nothing comes in through /webhooks."""
        raise Rejected("no_webhook", _NO_WEBHOOK)

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        return (read_statement(self.config, delivery.body),)

    def answer(self) -> Answer:
        return Answer()

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        raise ConfigProblem(_NO_WEBHOOK)

    def fetch(self, api: Api, entity: Entity, owner: Entity | None) -> NoReturn:
        raise ConfigProblem(_NO_API)

    def pages(self, api: Api, checkpoint: str | None) -> NoReturn:
        raise ConfigProblem(_NO_API)

    def catch_up(self, api: Api, since: int, checkpoint: str | None) -> NoReturn:
        raise ConfigProblem(_NO_API)

    def samples(self) -> Mapping[str, Mapping[str, Any]]:
        return {}
