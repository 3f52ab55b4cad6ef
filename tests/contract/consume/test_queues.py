"""What every kind of queue promises: stored once, acknowledged after the commit, nothing lost, nobody blocked."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.errors import Retry

from tests.contract.consume import given

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger


@pytest.fixture
def ledger(sqlite_ledger: Ledger) -> Ledger:
    return sqlite_ledger


class Killed(BaseException):
    """The process ends here, whatever code is running."""


def test_what_is_published_is_stored_once_and_the_queue_is_empty_then(broker: Any, ledger: Ledger) -> None:
    for number in range(25):
        broker.publish(given.user_body(number), {"svix-id": f"msg_{number}"})
    store = given.Store(ledger, expected=25)

    given.run(given.parts(broker, store))

    assert given.stored(ledger) == {"pending": 25}
    assert store.duplicates == 0
    assert broker.left() == 0


def test_messages_that_wait_are_committed_in_groups(broker: Any, ledger: Ledger) -> None:
    for number in range(25):
        broker.publish(given.user_body(number))
    store = given.Store(ledger, expected=25)

    given.run(given.parts(broker, store))

    assert len(store.groups) <= 5


def test_a_kill_between_commit_and_acknowledgement_gives_duplicates_and_no_second_effect(
    broker: Any, ledger: Ledger
) -> None:
    for number in range(5):
        broker.publish(given.user_body(number), {"svix-id": f"msg_{number}"})

    def die() -> None:
        raise Killed

    killed = given.Store(ledger, expected=5, after=die)
    with pytest.raises(Killed):
        given.run(given.parts(broker, killed))
    again = given.Store(ledger, expected=5)
    given.run(given.parts(broker, again))

    assert given.stored(ledger) == {"pending": 5}
    assert killed.accepted + again.accepted == 5
    assert again.duplicates == killed.accepted > 0
    assert broker.left() == 0


def test_a_kill_before_the_commit_loses_nothing(broker: Any, ledger: Ledger) -> None:
    for number in range(5):
        broker.publish(given.user_body(number))

    def die() -> None:
        raise Killed

    with pytest.raises(Killed):
        given.run(given.parts(broker, given.Store(ledger, 5, before=die)))
    store = given.Store(ledger, expected=5)
    given.run(given.parts(broker, store))

    assert given.stored(ledger) == {"pending": 5}
    assert broker.left() == 0


def test_a_poison_message_is_parked_and_stops_nobody(broker: Any, ledger: Ledger) -> None:
    for number, body in enumerate((b"{", b"[]", b'{"type":"user.created","data":7}')):
        broker.publish(body, {"svix-id": f"bad_{number}"})
    broker.publish(given.user_body(1))
    store = given.Store(ledger, expected=4)

    given.run(given.parts(broker, store))

    assert given.stored(ledger) == {"parked": 3, "pending": 1}
    assert broker.left() == 0


def test_while_the_database_is_away_messages_are_held_and_stored_when_it_is_back(
    broker: Any, ledger: Ledger
) -> None:
    for number in range(3):
        broker.publish(given.user_body(number))
    attempts: list[int] = []

    def away() -> None:
        attempts.append(1)
        if len(attempts) <= 3:
            raise Retry("the database did not answer")

    store = given.Store(ledger, expected=3, before=away)
    connections: list[int] = []

    def connect() -> Any:
        connections.append(1)
        return broker.connect()

    given.run(given.parts(broker, store, connect=connect))

    assert given.stored(ledger) == {"pending": 3}
    assert connections == [1]
    assert broker.left() == 0


def test_told_to_stop_while_the_database_is_away_it_leaves_the_messages_in_the_queue(
    broker: Any, ledger: Ledger
) -> None:
    broker.publish(given.user_body(1))
    store = given.Store(ledger, expected=1)

    def away() -> None:
        store.stop.set()
        raise Retry("the database did not answer")

    store.before = away
    given.run(given.parts(broker, store))

    assert given.stored(ledger) == {}
    assert broker.left() == 1


def test_headers_reach_the_connector_with_lower_case_names(broker: Any) -> None:
    broker.publish(b"{}", {"Svix-Id": "msg_1"})
    queue = broker.connect()

    (message,) = given.receive(queue, 1)
    queue.ack([message])
    queue.close()

    assert message.body == b"{}"
    assert message.headers["svix-id"] == "msg_1"


def test_an_idle_consumer_stops_within_seconds(broker: Any, ledger: Ledger) -> None:
    store = given.Store(ledger, expected=1)
    made = given.parts(broker, store)
    consumer = threading.Thread(target=given.run, args=(made,))
    consumer.start()

    made.stop.set()
    consumer.join(timeout=8)

    assert not consumer.is_alive()
