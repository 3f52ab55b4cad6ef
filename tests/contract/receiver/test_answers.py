"""What every kind of sender is told by a real receiver over real sockets, and what is stored then."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
import sqlalchemy as sa
from unkey_sync.batch import Ownership
from unkey_sync.clock import SystemClock
from unkey_sync.errors import Retry
from unkey_sync.inbox import Inbox
from unkey_sync.ledger import migrate
from unkey_sync.ledger.store import Ledger
from unkey_sync.ledger.tables import events, metadata
from unkey_sync.seal import Sealer
from unkey_sync.telemetry.metrics import Metrics
from unkey_sync.web.app import ReceiverApp, create_pages
from unkey_sync.web.group_commit import GroupCommit
from unkey_sync.web.hooks import HookParts, Hooks
from unkey_sync.web.serve import Listen, Server, bind
from unkey_sync_connectors.base import Delivery
from unkey_sync_connectors.event import Kind
from unkey_sync_connectors.generic.presets import known_presets
from unkey_sync_connectors.registry import known_kinds

from tests.contract.receiver.senders import Sender, senders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync.intake import Intake, Receipt

SENDERS = senders()
SEALER = Sealer([b"k" * 32])
LIMIT = 65_536
REJECTED = {"code": "unauthorized", "message": "No such source, or the signature does not match."}


@dataclass
class Receiver:
    """A receiver of all sources at once. `away`: the database does not answer."""

    inbox: Inbox
    ledger: Ledger
    http: httpx.Client
    away: bool = False

    def accept(self, intakes: Sequence[Intake]) -> Sequence[Receipt]:
        if self.away:
            raise Retry("the database did not answer")
        return self.inbox.accept(intakes)

    def post(self, source: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return self.http.post(f"/webhooks/{source}", content=body, headers=headers)

    def states(self, source: str) -> list[str]:
        """Of everything stored of a source."""
        query = sa.select(events.c.state).where(events.c.source == source)
        with self.ledger.engine.connect() as connection:
            return sorted(connection.scalars(query))

    def kept(self) -> list[bytes]:
        """What is stored of each event's delivery, opened."""
        with self.ledger.transaction() as tx:
            stored = [
                tx.events.body(row["id"]) for row in tx.events.page(state=None, source=None, limit=1_000)
            ]
        return [SEALER.open(sealed, owner) for owner, sealed in filter(None, stored)]

    def forget(self) -> None:
        with self.ledger.engine.begin() as connection:
            for table in metadata.sorted_tables:
                connection.execute(table.delete())


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('receiver') / 'ledger.sqlite3'}")
    migrate.upgrade(ledger.engine)
    ownership = Ownership(frozenset({Kind.USER, Kind.ORGANIZATION}), ("metadata.org_id",))
    inbox = Inbox(ledger, SEALER, SystemClock(), ownership)
    listen, ready = Listen(port=0, drain_s=1), threading.Event()
    listener = bind(listen)
    http = httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False, timeout=10)
    made = Receiver(inbox, ledger, http)
    store = GroupCommit(made.accept, lambda: None)
    parts = HookParts(
        connectors={name: sender.connector(name) for name, sender in SENDERS.items()},
        store=store,
        clock=SystemClock(),
        metrics=Metrics("0", "serve").receiver,
        body_limit=LIMIT,
        linger_s=0.01,
    )
    server = Server(ReceiverApp(Hooks(parts), create_pages([]), store), listen, lambda _: ready.set())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert ready.wait(10)
    yield made
    server.should_exit = True
    thread.join(10)
    http.close()
    listener.close()
    ledger.close()


@pytest.fixture(params=sorted(SENDERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sender(name: str) -> Sender:
    return SENDERS[name]


@pytest.fixture
def receiver(running: Receiver) -> Iterator[Receiver]:
    """Empty."""
    running.forget()
    yield running
    running.away = False


def told(answer: httpx.Response) -> tuple[int, str | None, bytes]:
    return answer.status_code, answer.headers.get("content-type"), answer.content


def test_every_kind_and_every_preset_is_among_the_senders() -> None:
    kinds = {sender.kind for sender in SENDERS.values()}
    presets = {sender.options["preset"] for sender in SENDERS.values() if sender.options}

    assert kinds == set(known_kinds()) - {"scim"}
    assert presets == set(known_presets())


def test_a_good_delivery_is_stored_and_answered_the_way_its_sender_understands(
    name: str, sender: Sender, receiver: Receiver
) -> None:
    body = sender.good()
    headers = sender.headers(body)

    answer, again = receiver.post(name, body, headers), receiver.post(name, body, headers)

    stored = receiver.states(name)
    assert told(answer) == told(again) == sender.answer
    assert stored
    assert set(stored) <= {"pending", "waiting"}
    assert "location" not in answer.headers


def test_a_bad_signature_is_refused_and_nothing_is_stored(
    name: str, sender: Sender, receiver: Receiver
) -> None:
    body = sender.good()
    headers = sender.headers(body)
    spoiled = {
        key: value if key == "content-type" else value[:-6] + "AAAAAA" for key, value in headers.items()
    }
    unsigned = {"content-type": sender.content_type}
    other = body[:-6] + b"AAAAAA" if sender.content_type == "application/jwt" else body

    answers = [receiver.post(name, other, spoiled), receiver.post(name, other, unsigned)]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert [answer.json()["error"] for answer in answers] == [REJECTED, REJECTED]
    assert receiver.states(name) == []


def test_a_type_of_no_interest_is_stored_as_ignored_and_answered_like_a_good_one(
    name: str, sender: Sender, receiver: Receiver
) -> None:
    body = sender.irrelevant()

    answer = receiver.post(name, body, sender.headers(body))

    assert told(answer) == sender.answer
    assert receiver.states(name) == ["ignored"]


def test_an_authentic_event_that_cannot_be_understood_is_parked_and_answered_like_a_good_one(
    name: str, sender: Sender, receiver: Receiver
) -> None:
    body = sender.unusable()

    answer = receiver.post(name, body, sender.headers(body))

    assert told(answer) == sender.answer
    assert receiver.states(name) == ["parked"]


def test_while_the_database_is_away_the_sender_is_asked_to_come_back(
    name: str, sender: Sender, receiver: Receiver
) -> None:
    body = sender.good()
    headers = sender.headers(body)
    receiver.away = True

    refused = receiver.post(name, body, headers)
    receiver.away = False
    taken = receiver.post(name, body, headers)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert told(taken) == sender.answer


def test_a_body_that_is_too_large_is_refused_unread(name: str, sender: Sender, receiver: Receiver) -> None:
    body = sender.good()

    answer = receiver.post(name, body + b" " * LIMIT, sender.headers(body))

    assert answer.status_code == 413
    assert receiver.states(name) == []


@pytest.mark.parametrize(
    "wrong", [{"content-type": "text/plain"}, {"content-encoding": "gzip"}], ids=["text", "compressed"]
)
def test_what_is_no_plain_json_is_refused(
    wrong: dict[str, str], name: str, sender: Sender, receiver: Receiver
) -> None:
    body = sender.good()

    answer = receiver.post(name, body, {**sender.headers(body), **wrong})

    assert answer.status_code == 415
    assert receiver.states(name) == []


def asked(receiver: Receiver, source: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return receiver.http.request("OPTIONS", f"/webhooks/{source}", headers=named)


def test_a_cloudevents_sender_that_may_send_is_told_so(receiver: Receiver) -> None:
    origin = "eventgrid.azure.net"

    answer = asked(receiver, "cloudevents", webhook_request_origin=origin, webhook_request_rate="6000")

    assert answer.status_code == 200
    assert answer.headers["allow"] == "POST"
    assert answer.headers["webhook-allowed-origin"] == origin
    assert answer.headers["webhook-allowed-rate"] == "600"


@pytest.mark.parametrize("source", ["cloudevents", "standard-webhooks", "okta", "stripe", "nobody"])
def test_every_other_question_gets_the_answer_of_an_unknown_source(source: str, receiver: Receiver) -> None:
    questions: list[dict[str, str]] = [{}, {"webhook_request_origin": "stranger.example.com"}]

    answers = [asked(receiver, source, **headers) for headers in questions]
    unknown = [asked(receiver, "unknown", **headers) for headers in questions]

    assert [told(answer) for answer in answers] == [told(answer) for answer in unknown]
    assert {answer.status_code for answer in answers} == {405}
    assert not [header for answer in answers for header in answer.headers if header.startswith("webhook")]


def cloud_event(number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"evt-{number}",
        "source": "/shop",
        "type": "user.created",
        "time": "2026-01-01T00:00:00Z",
        "data": {"id": f"user_{number}"},
    }


ONE, TWO = cloud_event(1), cloud_event(2)
BINARY = {f"ce-{name}": value for name, value in ONE.items() if name != "data"}


@pytest.mark.parametrize(
    ("content", "headers", "count"),
    [
        (ONE, {"content-type": "application/cloudevents+json; charset=utf-8"}, 1),
        (ONE["data"], {"content-type": "application/json", **BINARY}, 1),
        ([ONE, TWO], {"content-type": "application/cloudevents-batch+json"}, 2),
    ],
    ids=["structured", "binary", "batch"],
)
def test_cloudevents_come_in_three_modes_and_each_can_be_read_again(
    content: Any, headers: dict[str, str], count: int, receiver: Receiver
) -> None:
    body = orjson.dumps(content)
    proof = SENDERS["cloudevents"].headers(body)

    answer = receiver.post("cloudevents", body, {**proof, **headers})

    assert told(answer) == (200, "application/json", b"{}")
    assert receiver.states("cloudevents") == ["pending"] * count
    assert {len(SENDERS["cloudevents"].connector("x").parse(Delivery(raw))) for raw in receiver.kept()} == {
        count
    }
