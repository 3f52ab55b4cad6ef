"""The whole service in one process, without sockets: inbox, engine, sandbox, a fake source API, a clock of ours."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
from unkey_sync.batch import Ownership
from unkey_sync.clock import SECOND, FakeClock
from unkey_sync.engine.calls import Calls
from unkey_sync.engine.commit import Committer
from unkey_sync.engine.doubts import Doubts, SourceAccess
from unkey_sync.engine.drain import Drain, DrainConfig
from unkey_sync.engine.key_calls import KeyCalls
from unkey_sync.engine.new_keys import KeyMaker
from unkey_sync.engine.outcome import Patience
from unkey_sync.engine.perform import Performer
from unkey_sync.engine.planner import Planner, Rules
from unkey_sync.engine.work import load_work
from unkey_sync.inbox import Inbox
from unkey_sync.intake import Intake
from unkey_sync.ledger.subject_rows import SWEEP
from unkey_sync.model import World
from unkey_sync.sandbox.build import create_app
from unkey_sync.sandbox.execute import execute
from unkey_sync.sandbox.http import Request
from unkey_sync.sandbox.seed import ApiSeed, MigrationSeed, RootKeySeed, Seed
from unkey_sync.seal import Sealer
from unkey_sync.telemetry.metrics import Metrics
from unkey_sync.unkey.client import UnkeyClient
from unkey_sync.unkey.config import UnkeyConfig
from unkey_sync.unkey.gate import LocalGate
from unkey_sync.unkey.meter import Instruments
from unkey_sync.unkey.secret import SecretText
from unkey_sync_connectors.event import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unkey_sync.ledger.store import Ledger
    from unkey_sync.policy import Policy
    from unkey_sync.sandbox.app import App

ROOT_KEY = "unkey_full"
API_ID = "api_main"
MIGRATION_ID = "migration_own"
PAGE = 5_000
MUTATING = ("create", "update", "delete", "set", "add", "remove", "migrate")


class SandboxTransport(httpx.BaseTransport):
    """Calls go straight into the sandbox. `before` may raise instead of calling, `after` instead of answering."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self.calls: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        operation = request.url.path.removeprefix("/v2/")
        self.before(operation)
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._lock:
            self.calls.append(operation)
            answer = execute(
                self._app.world, operation, Request("POST", request.url.path, headers, request.read())
            )
        self.after(operation)
        return httpx.Response(
            answer.status,
            headers={"content-type": answer.content_type, **answer.headers},
            stream=httpx.ByteStream(answer.body),
        )

    @property
    def mutations(self) -> list[str]:
        return [one for one in self.calls if one.partition(".")[2].startswith(MUTATING)]


class House:
    """One deployment. `sources`: what can be fetched from; `settle_s` as in production, in the clock's seconds."""

    def __init__(
        self,
        ledger: Ledger,
        policy: Policy,
        *,
        sources: Mapping[str, SourceAccess] | None = None,
        auth_sources: frozenset[str] = frozenset({"clerk"}),
        settle_s: float = 30.0,
        migration_id: str = MIGRATION_ID,
    ) -> None:
        self.clock = FakeClock()
        seed = Seed(
            root_keys=[RootKeySeed(name="full", key=ROOT_KEY)],
            apis=[ApiSeed(name="main", id=API_ID)],
            migrations=[MigrationSeed(name="own", id=MIGRATION_ID, algorithm="sha256")],
        )
        self.sandbox = create_app(seed, self.clock)
        self.transport = SandboxTransport(self.sandbox)
        self.metrics = Metrics("test", "dev")
        self.ledger = ledger
        self.policy = policy
        owners = {"user": {Kind.USER}, "organization": {Kind.ORGANIZATION}}.get(
            policy.subjects.owner, {Kind.USER, Kind.ORGANIZATION}
        )
        ownership = Ownership(frozenset(owners), policy.subjects.link)
        self.inbox = Inbox(ledger, Sealer([b"k" * 32]), self.clock, ownership)
        config = UnkeyConfig(root_key=SecretText(ROOT_KEY), api_id=API_ID, base_url="http://sandbox")
        self.client = UnkeyClient(
            config,
            self.transport,
            LocalGate(self.clock),
            self.clock,
            instruments=Instruments(jitter=lambda: 0.5, meter=self.metrics.upstream),
        )
        self.rules = Rules(policy=policy, world=World(auth_sources=auth_sources), settle_s=settle_s)
        self.planner = Planner(self.rules, self.clock)
        self.doubts = Doubts(sources or {})
        keys = KeyCalls(KeyMaker(Sealer([b"k" * 32]), migration_id), has_api=True)
        self.calls = Calls(self.client, keys)
        self.performer = Performer(self.planner, self.calls, self.doubts, self.clock)
        self.committer = Committer(
            ledger, self.inbox, self.clock, Patience(jitter=lambda: 0.5), self.metrics.engine
        )

    def accept(self, *events: Event) -> None:
        """Each event as a delivery of its own, in this order."""
        for event in events:
            self.inbox.accept([Intake(event.source, (event,), b"{}")])

    def restart_with(self, policy: Policy) -> None:
        """The service comes up with another policy, for the same owners: everybody is looked at again."""
        self.policy, self.rules = policy, replace(self.rules, policy=policy)
        self.planner = Planner(self.rules, self.clock)
        self.performer = Performer(self.planner, self.calls, self.doubts, self.clock)
        names = [""]
        while names:
            with self.ledger.transaction() as tx:
                names = tx.subjects.mark_page_due(names[-1], PAGE, SWEEP)

    def work(self) -> int:
        """One drain; the number of turns taken."""
        drain = Drain(
            self.ledger, self.performer, self.committer, self.clock, DrainConfig(owner="w", lanes=2)
        )
        turns = drain.run(threading.Event())
        drain.close()
        return turns

    def work_and_die(self) -> None:
        """Claim what is due and take the turns, but let none of the results be recorded: the process is gone."""
        config = DrainConfig(owner="dead")
        now = self.clock.now()
        with self.ledger.transaction() as tx:
            claims = tx.subjects.claim("dead", now, now + int(config.lease_s * SECOND), 100)
            works = load_work(tx, claims, self.clock.monotonic() + config.lease_s)
        for work in works:
            with contextlib.suppress(SystemExit):
                self.performer.run(work)

    def settle(self, rounds: int = 20) -> None:
        """Drain and let time pass until nothing is pending (removals take the settle time)."""
        for _ in range(rounds):
            self.work()
            if self.is_done():
                return
            self.clock.advance(31)
        raise AssertionError(f"still open: {self.open_events()}")

    def is_done(self) -> bool:
        with self.ledger.transaction() as tx:
            return tx.reports.open_work(self.clock.now()) == (0, 0, 0)

    def open_events(self) -> list[dict[str, Any]]:
        with self.ledger.transaction() as tx:
            return tx.events.page(state="pending", source=None, limit=10)

    def identity(self, external_id: str) -> dict[str, Any] | None:
        """The identity as Unkey shows it."""
        answer = self.call("identities.getIdentity", {"identity": external_id})
        return dict(answer["data"]) if "data" in answer else None

    def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """A call of the customer's own, outside the service."""
        response = httpx.Client(transport=_Uncounted(self.sandbox), base_url="http://sandbox").post(
            f"/v2/{operation}", json=body, headers={"authorization": f"Bearer {ROOT_KEY}"}
        )
        return dict(response.json())


class _Uncounted(SandboxTransport):
    """Not part of the service's calls."""
