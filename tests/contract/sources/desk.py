"""One source from its webhook to Unkey: the real receiver, ledger and engine, the sandbox, and the source's API."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from unkey_sync.configfile import parse_document
from unkey_sync.externalid import encode
from unkey_sync.policy import read_policy
from unkey_sync.telemetry.metrics import Metrics
from unkey_sync.web.group_commit import GroupCommit
from unkey_sync.web.hooks import HookParts, Hooks

from tests.contract.feeds.given import WORLDS, access_to
from tests.house import API_ID, House
from tests.unit.connectors.natives import KINDS, native
from tests.unit.connectors.support import clerk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unkey_sync.intake import Intake, Receipt
    from unkey_sync.ledger.store import Ledger

POLICY = b"""
[subjects]
owner = "user"
[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m", auto_apply = true }]
"""


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Desk:
    """`world` answers what the service asks the source; its routes may be changed."""

    ledger: Ledger
    kind: str
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connector = native(self.kind, **self.changes) if self.kind in KINDS else clerk(**self.changes)
        policy = read_policy(parse_document(POLICY, "test.toml"))
        self.house = House(self.ledger, policy, auth_sources=frozenset({self.kind}))
        self.world: Any = WORLDS[self.kind](self.house.clock, 0)
        access = access_to(self.kind, self.world, self.house.clock)
        self.house.doubts._sources = {self.kind: access}

    def payload(self, event_type: str) -> dict[str, Any]:
        """A sample, to be changed freely."""
        found: dict[str, Any] = orjson.loads(orjson.dumps(self.connector.samples()[event_type]))
        return found

    def post(self, payload: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None = None) -> Answered:
        """Deliver it, signed as the source signs unless `headers` say otherwise."""
        return self.post_all([payload], headers)[0]

    def post_all(
        self, payloads: Sequence[Mapping[str, Any] | bytes], headers: Mapping[str, str] | None = None
    ) -> list[Answered]:
        return asyncio.run(self._post_all(payloads, headers))

    def key_of(self, user_id: str) -> str:
        """A key that a customer made for the user."""
        made = self.house.call("keys.createKey", {"apiId": API_ID, "externalId": encode(user_id)})
        return str(made["data"]["key"])

    def verdict(self, key: str) -> str:
        return str(self.house.call("keys.verifyKey", {"key": key})["data"]["code"])

    def accept(self, intakes: Sequence[Intake]) -> Sequence[Receipt]:
        return self.house.inbox.accept(intakes)

    async def _post_all(
        self, payloads: Sequence[Mapping[str, Any] | bytes], headers: Mapping[str, str] | None
    ) -> list[Answered]:
        store = GroupCommit(self.accept, lambda: None)
        parts = HookParts(
            connectors={self.kind: self.connector},
            store=store,
            clock=self.house.clock,
            metrics=Metrics("0", "serve").receiver,
            linger_s=0,
        )
        hooks = Hooks(parts)
        answers = [await self._post(hooks, payload, headers) for payload in payloads]
        await store.close()
        return answers

    async def _post(
        self, hooks: Hooks, payload: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None
    ) -> Answered:
        body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        signed = self.connector.sign(body, self.house.clock.now()) if headers is None else headers
        named = {"content-type": "application/json", "content-length": str(len(body)), **signed}
        scope = {
            "type": "http",
            "method": "POST",
            "path": f"/webhooks/{self.kind}",
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await hooks(scope, receive, send)
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answered(sent[0]["status"], found, sent[1]["body"])
