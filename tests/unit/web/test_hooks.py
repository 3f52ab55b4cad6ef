"""What a sender is told, and what is stored: the webhook endpoint driven through plain ASGI."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from unkey_sync.clock import FakeClock
from unkey_sync.errors import Park, Retry
from unkey_sync.telemetry.metrics import Metrics
from unkey_sync.web.body import read_headers
from unkey_sync.web.group_commit import GroupCommit
from unkey_sync.web.hooks import HookParts, Hooks
from unkey_sync_connectors.base import SourceConfig
from unkey_sync_connectors.okta import Okta

from tests.unit.web.support import MemoryInbox, toy

BODY = json.dumps({"id": "evt_1", "type": "user.created", "user": "user_1"}).encode()


@dataclass
class Bench:
    """The endpoint with everything it needs, in memory."""

    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    clock: FakeClock = field(default_factory=FakeClock)
    metrics: Metrics = field(default_factory=lambda: Metrics("0", "serve"))
    rings: list[int] = field(default_factory=list)
    limit: int = 1024
    connector: Any = field(default_factory=toy)

    def post(self, body: bytes = BODY, **changes: Any) -> tuple[int, dict[str, str], bytes]:
        headers = {"content-type": "application/json", **toy().sign(body, self.clock.now())}
        return asyncio.run(self._post([body], headers | changes.pop("headers", {}), **changes))

    def counted(self, source: str, outcome: str) -> float | None:
        labels = {"source": source, "outcome": outcome}
        return self.metrics.registry.get_sample_value("unkey_sync_events_received_total", labels)

    async def _post(
        self,
        chunks: list[bytes],
        headers: dict[str, str],
        source: str = "toy",
        method: str = "POST",
        leaves: bool = False,
    ) -> tuple[int, dict[str, str], bytes]:
        store = GroupCommit(self.inbox.accept, lambda: self.rings.append(1))
        hooks = Hooks(
            HookParts(
                connectors={"toy": self.connector},
                store=store,
                clock=self.clock,
                metrics=self.metrics.receiver,
                body_limit=self.limit,
                linger_s=0,
            )
        )
        sent: list[Any] = []
        await hooks(_scope(method, source, headers), _receiver(chunks, leaves), _sender(sent))
        await store.close()
        if not sent:
            return 0, {}, b""
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], answered, sent[1]["body"]


def test_a_signed_event_is_stored_before_it_is_answered():
    bench = Bench()

    status, headers, body = bench.post()

    assert (status, headers["content-type"], body) == (200, "application/json", b"{}")
    assert [one.source for one in bench.inbox.stored.values()] == ["toy"]
    assert bench.counted("toy", "accepted") == 1


def test_a_repeated_delivery_gets_the_same_answer_and_is_counted_as_duplicate():
    bench = Bench()
    bench.post()

    status, _, _ = bench.post()

    assert status == 200
    assert len(bench.inbox.stored) == 1
    assert bench.counted("toy", "duplicate") == 1


def test_an_unknown_source_and_a_bad_signature_cannot_be_told_apart():
    bench = Bench()

    unknown = bench.post(source="nobody")
    forged = bench.post(headers={"x-toy-signature": "t=1,v=00"})

    assert unknown == forged
    assert forged[0] == 401
    assert bench.inbox.stored == {}
    assert bench.counted("unknown", "rejected") == 1
    assert bench.counted("nobody", "rejected") is None


def test_a_delivery_from_too_long_ago_is_rejected():
    bench = Bench()
    headers = dict(toy().sign(BODY, bench.clock.now()))
    bench.clock.advance(301)

    status, _, _ = bench.post(headers=headers)

    assert status == 401


def test_an_authentic_body_that_is_no_event_is_malformed():
    bench = Bench()

    status, _, body = bench.post(b"[1, 2]")

    assert status == 400
    assert json.loads(body)["error"]["code"] == "malformed"
    assert bench.inbox.groups == []


def test_an_authentic_event_that_nobody_understands_is_parked_and_answered_like_a_good_one():
    bench = Bench()

    status, _, _ = bench.post(b'{"id": "evt_9", "type": "user.created"}')

    (intake,) = bench.inbox.stored.values()
    assert status == 200
    assert intake.parked is not None
    assert intake.parked.reason == "user"
    assert intake.raw == b'{"id": "evt_9", "type": "user.created"}'
    assert bench.counted("toy", "parked") == 1


def test_irrelevant_types_are_stored_as_ignored():
    bench = Bench()

    status, _, _ = bench.post(b'{"id": "evt_2", "type": "noise", "user": "user_1"}')

    assert status == 200
    assert bench.counted("toy", "ignored") == 1


def test_a_store_that_is_away_makes_the_sender_come_back_in_five_seconds():
    bench = Bench(inbox=MemoryInbox(broken=Retry("connection refused")))

    status, headers, _ = bench.post()

    assert (status, headers["retry-after"]) == (503, "5")
    assert bench.rings == []


def test_an_event_the_store_cannot_hold_is_kept_raw_and_parked():
    bench = Bench(inbox=MemoryInbox(poison="user_1"))

    status, _, _ = bench.post()

    (intake,) = bench.inbox.stored.values()
    assert status == 200
    assert (intake.events, intake.raw) == ((), BODY)
    assert intake.parked is not None
    assert intake.parked.reason == "not_storable"
    assert intake.parked.delivery_id == "evt_1"


def test_a_store_that_refuses_even_the_raw_body_is_not_asked_for_ever():
    bench = Bench(inbox=MemoryInbox(broken=Park("no")))

    status, _, _ = bench.post()

    assert status == 400


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "application/cloudevents+json", "text/json"]
)
def test_json_by_any_name_is_accepted(media_type):
    status, _, _ = Bench().post(headers={"content-type": media_type})

    assert status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-encoding": "gzip"},
        {"content-encoding": "br"},
    ],
)
def test_other_media_types_and_compression_are_unsupported(headers):
    bench = Bench()

    status, answered, _ = bench.post(headers=headers)

    assert (status, answered["connection"]) == (415, "close")
    assert bench.inbox.stored == {}


def test_an_announced_body_over_the_limit_is_refused_unread():
    bench = Bench()

    status, answered, _ = bench.post(headers={"content-length": "1025"})

    assert (status, answered["connection"]) == (413, "close")


def test_a_streamed_body_is_refused_as_soon_as_it_exceeds_the_limit():
    bench = Bench(limit=100)
    chunks = [b"x" * 60, b"x" * 60, b"never read"]

    status, _, _ = asyncio.run(bench._post(chunks, {"content-type": "application/json"}))

    assert status == 413


def test_a_body_in_pieces_is_verified_as_one():
    bench = Bench()
    headers = {"content-type": "application/json", **toy().sign(BODY, bench.clock.now())}

    status, _, _ = asyncio.run(bench._post([BODY[:10], BODY[10:20], BODY[20:]], headers))

    assert status == 200


def test_a_client_that_leaves_in_the_middle_is_no_error():
    bench = Bench()

    answer = asyncio.run(bench._post([BODY[:10]], {"content-type": "application/json"}, leaves=True))

    assert answer == (0, {}, b"")
    assert bench.inbox.stored == {}


def test_only_post_is_answered():
    status, headers, _ = Bench().post(method="GET")

    assert (status, headers["allow"]) == (405, "POST")


def test_a_repeated_header_is_joined_so_that_signature_lists_survive():
    headers = read_headers({"headers": [(b"X-Sig", b"a"), (b"x-sig", b"b")]})

    assert headers == {"x-sig": "a, b"}


def test_the_time_to_the_answer_is_measured():
    bench = Bench()
    bench.post()

    labels = {"source": "toy"}
    count = bench.metrics.registry.get_sample_value("unkey_sync_ack_duration_seconds_count", labels)

    assert count == 1


def _scope(method: str, source: str, headers: dict[str, str]) -> dict[str, Any]:
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": f"/webhooks/{source}", "headers": lines}


def _receiver(chunks: list[bytes], leaves: bool):
    messages = [
        {"type": "http.request", "body": chunk, "more_body": leaves or index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ]
    if leaves:
        messages.append({"type": "http.disconnect"})
    queue = iter(messages)

    async def receive() -> Any:
        return next(queue)

    return receive


def _sender(sent: list[Any]):
    async def send(message: Any) -> None:
        sent.append(message)

    return send


def test_a_source_that_asks_first_is_answered_and_others_may_only_post():
    okta = Okta(SourceConfig(name="toy", kind="okta", secrets=("Bearer token",)))
    question = {"authorization": "Bearer token", "x-okta-verification-challenge": "prove it"}

    asked = Bench(connector=okta).post(method="GET", headers=question)
    forged = Bench(connector=okta).post(method="GET", headers={**question, "authorization": "Bearer other"})
    plain = Bench().post(method="GET")

    assert (asked[0], json.loads(asked[2])) == (200, {"verification": "prove it"})
    assert [forged[0], plain[0]] == [401, 405]
