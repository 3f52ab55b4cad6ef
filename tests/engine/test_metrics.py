"""A run of the whole service feeds every metric of the catalogue; a number nobody feeds is a promise nobody keeps."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from unkey_sync.clock import SECOND, FakeClock
from unkey_sync.deployment import deployment_of
from unkey_sync.errors import Retry
from unkey_sync.feeder import Feeder
from unkey_sync.ledger import migrate
from unkey_sync.ledger.subject_rows import LIVE
from unkey_sync.roles.receiver import create_receiver
from unkey_sync.roles.worker import Worker
from unkey_sync.sandbox.build import create_app
from unkey_sync.sandbox.seed import ApiSeed, RootKeySeed, Seed
from unkey_sync.settings import load_settings
from unkey_sync.telemetry.metrics import EngineMetrics, Metrics
from unkey_sync.wiring import Runtime

from tests.architecture.tree import read
from tests.contract.feeds.serving import served
from tests.contract.feeds.worlds import ClerkWorld
from tests.e2e.senders import CLERK_SECRET, Letter, Writer
from tests.house import API_ID, ROOT_KEY, SandboxTransport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PER_EVENT_S = 5e-6


class Moody(SandboxTransport):
    """The sandbox, with a mood: what it does instead of the next call of an operation."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.moods: dict[str, list[httpx.Response | Exception]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        waiting = self.moods.get(request.url.path.removeprefix("/v2/"))
        if not waiting:
            return super().handle_request(request)
        mood = waiting.pop(0)
        if isinstance(mood, Exception):
            raise mood
        return mood


class Site:
    """Receiver, worker and sources of one deployment, in this process."""

    def __init__(self, folder: Path, origin: str, clock: FakeClock) -> None:
        self.clock = clock
        seed = Seed(
            root_keys=[RootKeySeed(name="full", key=ROOT_KEY)], apis=[ApiSeed(name="main", id=API_ID)]
        )
        self.unkey = Moody(create_app(seed, clock))
        policy = folder / "unkey-sync.toml"
        policy.write_text('[[plans]]\nname = "free"\ndefault = true\n[subjects]\nowner = "user"\n')
        environment = {
            "HOME": str(folder),
            "UNKEY_ROOT_KEY": ROOT_KEY,
            "UNKEY_API_ID": API_ID,
            "UNKEY_SYNC_CONFIG": str(policy),
            "CLERK_WEBHOOK_SIGNING_SECRET": CLERK_SECRET,
            "CLERK_SECRET_KEY": "sk_test_nobody",
            "CLERK_API_BASE": origin,
        }
        self.runtime = Runtime(deployment_of(load_settings(environment)), clock, self.unkey, role="dev")
        migrate.upgrade(self.runtime.ledger.engine)
        self.receiver = create_receiver(self.runtime, lambda: None)
        self.worker = Worker(self.runtime)
        self.drain = self.runtime.drain()

    def post(self, *letters: Letter) -> list[int]:
        async def deliver() -> list[int]:
            transport = httpx.ASGITransport(self.receiver)
            async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as http:
                answers = [
                    await http.post(
                        f"/webhooks/{one.source}",
                        content=one.body,
                        headers=one.headers(self.clock.now() / SECOND),
                    )
                    for one in letters
                ]
            return [answer.status_code for answer in answers]

        return asyncio.run(deliver())

    def work(self, rounds: int = 3) -> None:
        for _ in range(rounds):
            self.drain.run(self.worker.sweeper.stop)
            self.clock.advance(40)

    def close(self) -> None:
        self.drain.close()
        self.worker.sweeper.close()
        self.runtime.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(int(time.time()) * SECOND)


@pytest.fixture
def site(tmp_path: Path, clock: FakeClock) -> Iterator[Site]:
    """Its source has three users, tells of them once, and is away from then on."""
    with served(ClerkWorld(clock, 3)) as origin:
        made = Site(tmp_path, origin, clock)
        runtime = made.runtime
        feeder = Feeder(runtime.ledger, runtime.inbox, clock, lambda: None)
        assert [one.complete for one in feeder.backfill("clerk", runtime.access["clerk"])][-1]
    yield made
    made.close()


def fed(metrics: Metrics) -> dict[str, bool]:
    """Every family of the registry, and whether anything was ever counted in it."""
    return {
        family.name: any(
            sample.value > 0 or family.type == "gauge"
            for sample in family.samples
            if not sample.name.endswith("_created")
        )
        for family in metrics.registry.collect()
    }


def test_a_run_of_the_whole_service_feeds_every_metric(site: Site) -> None:
    write = Writer()
    assert site.post(write.user("user_1")) == [200]
    site.unkey.moods["identities.createIdentity"] = [
        httpx.Response(429, headers={"retry-after": "2"}),
        *[httpx.ReadError("stub")] * 4,
    ]
    site.work(6)
    with pytest.raises(Retry):
        site.runtime.access["clerk"].api.get("/v1/users")
    assert site.post(write.user("user_1", "deleted")) == [200]
    site.work()
    site.unkey.moods["apis.listKeys"] = [ZeroDivisionError()]
    site.worker.watch.run_once()

    found = fed(site.runtime.metrics)

    assert sorted(name for name, was in found.items() if not was) == []
    assert site.unkey.moods["apis.listKeys"] == []


def test_every_metric_is_in_the_pages(site: Site) -> None:
    pages = read("docs/receiver.md")
    counters = {one.name for one in site.runtime.metrics.registry.collect() if one.type == "counter"}
    names = {one if one not in counters else f"{one}_total" for one in fed(site.runtime.metrics)}

    assert {name for name in names if f"`{name}`" not in pages} == set()


def test_the_circuit_the_sources_and_the_lag_say_what_happened(site: Site) -> None:
    value = site.runtime.metrics.registry.get_sample_value
    clerk, unkey = {"source": "clerk"}, {"upstream": "unkey"}
    before = [value("unkey_sync_source_paused", clerk), value("unkey_sync_circuit_open", unkey)]
    site.post(Writer().user("user_1"))
    site.work(1)
    site.unkey.moods["apis.getApi"] = [httpx.Response(401)] * 12
    with pytest.raises(Exception, match=r"."):
        site.runtime.unkey.apis.get()
    with pytest.raises(Retry):
        site.runtime.access["clerk"].api.get("/v1/users")

    applied = value("unkey_sync_events_finished_total", {**clerk, "outcome": "applied"})

    assert before == [0, 0]
    assert applied == 4
    assert value("unkey_sync_sync_lag_seconds_count", clerk) == 1
    assert value("unkey_sync_source_paused", clerk) == 1
    assert value("unkey_sync_circuit_open", unkey) == 1
    assert value("unkey_sync_backfill_progress_ratio", clerk) == 1


def test_a_parked_event_that_stays_parked_is_counted_once(site: Site) -> None:
    site.post(Writer().user("user_1"))
    site.unkey.moods["identities.createIdentity"] = [
        httpx.Response(400, json={"meta": {"requestId": "req_1"}, "error": {"type": "x"}}) for _ in range(20)
    ]
    for _ in range(3):
        site.work(1)
        with site.runtime.ledger.transaction() as tx:
            tx.subjects.mark_due({"user_1": LIVE})

    labels = {"source": "clerk", "outcome": "parked"}

    assert site.runtime.metrics.registry.get_sample_value("unkey_sync_events_finished_total", labels) == 4


def test_an_event_that_is_parked_alone_is_seen(site: Site) -> None:
    value = site.runtime.metrics.registry.get_sample_value
    before = value("unkey_sync_parked_events", {"cause": "event"})
    body = b'{"type": "user.created", "data": {}}'

    site.post(Letter("clerk", body, "msg_parked"))

    assert before == 0
    assert value("unkey_sync_parked_events", {"cause": "event"}) == 1


def test_no_label_holds_a_subject(site: Site) -> None:
    site.post(Writer().user("user_that_must_not_show"))
    site.work()

    assert b"user_that_must_not_show" not in site.runtime.metrics.render()[0]


def test_counting_costs_less_than_five_microseconds_for_each_event() -> None:
    metrics = Metrics("1", "worker").engine
    best = min(_seconds_for(metrics, 2_000) for _ in range(5))

    assert best / 2_000 < PER_EVENT_S


def _seconds_for(metrics: EngineMetrics, events: int) -> float:
    """Of this thread's own time: other processes of the machine are not counted."""
    began = time.thread_time()
    metrics.finished("clerk", "applied", events)
    metrics.lag("clerk", *[number / 100 for number in range(events)])
    return time.thread_time() - began
