"""Keys sent to the customer's app: signed, once unless a sender dies, again until they expire. No sockets."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from standardwebhooks.webhooks import Webhook
from unkey_sync.clock import DAY, SECOND
from unkey_sync.errors import Retry
from unkey_sync.handover.loop import Handovers
from unkey_sync.handover.message import Message, decode_secret
from unkey_sync.handover.sender import Line, Sender
from unkey_sync.handover.slots import to_rotated
from unkey_sync.handover.upkeep import Upkeep
from unkey_sync.seal import Sealer

from tests.engine.handing import SEALER, SECRET, decide, look_after, make_house, rows, usable, verdicts

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

    from tests.house import House


class Receiver:
    """The customer's app. `failures`: how many messages it refuses first."""

    def __init__(self, failures: int = 0) -> None:
        self.messages: list[Message] = []
        self.failures = failures

    def __call__(self, message: Message) -> None:
        self.messages.append(message)
        if len(self.messages) <= self.failures:
            raise Retry("the receiver of keys answered 503")

    def data(self, number: int = -1) -> dict[str, Any]:
        return dict(orjson.loads(self.messages[number].body))


def sender(house: House, receiver: Receiver, sealer: Sealer = SEALER) -> Sender:
    line = Line(receiver, (decode_secret(SECRET),))
    return Sender(house.ledger, sealer, house.clock, line, lambda: 1.0)


@pytest.fixture
def sending(ledger: Ledger) -> House:
    return make_house(ledger, keys='deliver = "webhook"')


def test_a_new_key_is_sent_signed_and_once(sending: House) -> None:
    receiver = Receiver()
    line = sender(sending, receiver)

    tried = [line.run_once(), line.run_once()]

    said = receiver.data()
    assert tried == [1, 0]
    assert said["type"] == "key.issued"
    assert said["data"]["subject"] == said["data"]["external_id"] == "org_1"
    assert verdicts(sending, said["data"]["key"]) == ["VALID"]
    assert [(row.state, row.sealed) for row in rows(sending)] == [("delivered", None)]


def test_a_message_that_failed_is_sent_again_later_with_the_same_id(sending: House) -> None:
    receiver = Receiver(failures=2)
    tried = []

    for wait_s in (0, 4, 2, 9, 2):
        sending.clock.advance(wait_s)
        tried.append(sender(sending, receiver).run_once())

    assert tried == [1, 0, 1, 0, 1]
    assert len({message.headers["webhook-id"] for message in receiver.messages}) == 1
    assert len({message.body for message in receiver.messages}) == 1
    assert [(row.state, row.attempts) for row in rows(sending)] == [("delivered", 3)]


def test_a_sender_that_dies_after_the_answer_repeats_itself_under_the_same_id(sending: House) -> None:
    receiver = Receiver()

    def die(message: Message) -> None:
        receiver(message)
        raise SystemExit

    dying = Sender(sending.ledger, SEALER, sending.clock, Line(die, (decode_secret(SECRET),)), lambda: 1.0)
    with pytest.raises(SystemExit):
        dying.run_once()
    at_once = sender(sending, receiver).run_once()
    sending.clock.advance(121)
    later = sender(sending, receiver).run_once()

    assert (at_once, later) == (0, 1)
    assert receiver.messages[0].headers["webhook-id"] == receiver.messages[1].headers["webhook-id"]


def test_a_rotation_tells_the_app(sending: House) -> None:
    receiver = Receiver()
    sender(sending, receiver).run_once()

    decide(sending, partial(to_rotated, overlap_until=sending.clock.now() + DAY))
    sending.settle()
    sender(sending, receiver).run_once()

    assert [receiver.data(n)["type"] for n in (0, 1)] == ["key.issued", "key.rotated"]
    assert receiver.data()["data"]["generation"] == 2


def test_the_wrong_secret_key_sends_nothing_and_loses_nothing(sending: House) -> None:
    receiver = Receiver()

    sender(sending, receiver, Sealer([b"x" * 32])).run_once()
    sending.clock.advance(3600)
    sender(sending, receiver).run_once()

    assert len(receiver.messages) == 1
    assert rows(sending)[0].state == "delivered"


def test_a_key_in_the_vault_is_not_sent(ledger: Ledger) -> None:
    assert sender(make_house(ledger), Receiver()).run_once() == 0


def test_a_message_that_never_gets_through_ends_with_another_key(sending: House) -> None:
    receiver = Receiver(failures=1_000)

    sender(sending, receiver).run_once()
    sending.clock.advance(7 * 86_400 + 1)
    look_after(sending)

    assert [row.state for row in rows(sending)] == ["ready", "expired"]
    assert len(usable(sending)) == 1


def test_the_loop_sends_and_looks_after_keys_and_stops(sending: House) -> None:
    receiver = Receiver()
    upkeep = Upkeep(sending.ledger, sending.policy, sending.clock)
    loop = Handovers(sender(sending, receiver), [upkeep], sending.clock, 5.0)

    busy = [loop.run_once(), loop.run_once()]
    loop.stop.set()
    loop.run()

    assert busy == [True, False]
    assert len(receiver.messages) == 1


def test_a_defect_in_one_chore_is_counted_and_holds_nothing_else_up(sending: House) -> None:
    receiver, defects = Receiver(), []

    class Broken(Upkeep):
        def run_once(self) -> int:
            raise ZeroDivisionError

    upkeep = Broken(sending.ledger, sending.policy, sending.clock)
    loop = Handovers(sender(sending, receiver), [upkeep], sending.clock, 5.0, lambda: defects.append(1))

    busy = [loop.run_once(), loop.run_once(), loop.run_once()]

    assert busy == [True, False, False]
    assert len(receiver.messages) == 1
    assert defects == [1]


def test_a_message_is_signed_as_the_standard_says(sending: House) -> None:
    receiver = Receiver()
    sender(sending, receiver).run_once()
    said = receiver.messages[0]

    timestamp = int(said.headers["webhook-timestamp"])
    unsigned = said.headers["webhook-signature"].removeprefix("v1,")
    expected = Webhook(SECRET).sign(
        said.headers["webhook-id"], datetime.fromtimestamp(timestamp, UTC), said.body.decode()
    )

    assert timestamp == sending.clock.now() // SECOND
    assert expected == f"v1,{unsigned}"


def test_a_rotation_of_a_key_in_the_vault_is_told_without_the_key(ledger: Ledger) -> None:
    house = make_house(ledger, keys="notify = true")
    receiver = Receiver()
    line = sender(house, receiver)
    line.run_once()
    house.clock.advance(1)
    until = house.clock.now() + DAY
    decide(house, partial(to_rotated, overlap_until=until))
    house.settle()

    line.run_once()

    types = [receiver.data(number)["type"] for number in range(len(receiver.messages))]
    told = receiver.data()["data"]
    assert types == ["key.issued", "key.rotated"]
    assert (told["waits_in"], told["generation"]) == ("vault", 2)
    assert "key" not in told
    ends = datetime.fromtimestamp(until // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert told["previous_key_ends_at"] == ends
    waiting = [row for row in rows(house) if row.state == "ready"]
    assert [row.mode for row in waiting] == ["vault"]


def test_a_notice_that_nobody_takes_rotates_nothing(ledger: Ledger) -> None:
    house = make_house(ledger, keys="notify = true")
    with house.ledger.transaction() as tx:
        vault = next(row for row in tx.keys.handovers_of("org_1") if row.mode == "vault")
        tx.keys.finish_handover(vault.id, "delivered", house.clock.now())
    house.clock.advance(8 * 86_400)

    look_after(house)
    house.settle()

    assert len(usable(house)) == 1
    assert {(row.mode, row.state) for row in rows(house)} == {("vault", "delivered"), ("notice", "expired")}
