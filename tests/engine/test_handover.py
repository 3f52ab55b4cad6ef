"""Keys on their way to their owners, and slots turned by hand, by age and by neglect: whole service, no sockets."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from standardwebhooks.webhooks import Webhook
from unkey_sync.clock import DAY, SECOND
from unkey_sync.configfile import parse_document
from unkey_sync.errors import Park, Retry
from unkey_sync.handover.loop import Handovers
from unkey_sync.handover.message import Message, decode_secret
from unkey_sync.handover.reveal import NotRevealed, Revealed, Wanted, reveal
from unkey_sync.handover.sender import Line, Sender
from unkey_sync.handover.slots import to_revoked, to_rotated, to_without_older, turn
from unkey_sync.handover.upkeep import Upkeep
from unkey_sync.ledger.tables import metadata
from unkey_sync.model import AT_ONCE, Slot
from unkey_sync.policy import read_policy
from unkey_sync.seal import Sealer

from tests import makers
from tests.house import API_ID, House

if TYPE_CHECKING:
    from unkey_sync.handover.slots import Decide
    from unkey_sync.ledger.key_rows import HandoverRow
    from unkey_sync.ledger.store import Ledger

SLOT = Slot("default")
SEALER = Sealer([b"k" * 32])
SECRET = f"whsec_{base64.b64encode(b's' * 32).decode()}"


def make_house(ledger: Ledger, keys: str = 'deliver = "vault"', handover: str = "") -> House:
    text = f'[subjects]\nowner = "organization"\n[[keys]]\nslot = "default"\n{keys}\n[handover]\n{handover}\n'
    house = House(ledger, read_policy(parse_document(text.encode(), "test.toml")))
    house.accept(makers.organization())
    house.settle()
    return house


@pytest.fixture
def house(ledger: Ledger) -> House:
    return make_house(ledger)


def show(house: House, sealer: Sealer = SEALER) -> Revealed:
    with house.ledger.transaction() as tx:
        return reveal(tx, sealer, Wanted("org_1"), house.clock.now())


def refusal(house: House) -> str:
    with pytest.raises(NotRevealed) as refused:
        show(house)
    return refused.value.code


def decide(house: House, decision: Decide) -> bool:
    house.clock.advance(1)
    with house.ledger.transaction() as tx:
        return turn(tx, "org_1", SLOT, decision, house.clock.now())


def verdicts(house: House, *keys: str) -> list[str]:
    return [house.call("keys.verifyKey", {"key": key})["data"]["code"] for key in keys]


def usable(house: House) -> list[dict[str, Any]]:
    listed = house.call("apis.listKeys", {"apiId": API_ID, "externalId": "org_1"})["data"]
    return [key for key in listed if key["enabled"]]


def rows(house: House) -> list[HandoverRow]:
    with house.ledger.transaction() as tx:
        return tx.keys.handovers_of("org_1")


def look_after(house: House) -> int:
    changed = Upkeep(house.ledger, house.policy, house.clock).run_once()
    house.settle()
    return changed


# -- read once ---------------------------------------------------------------------------------------------


def test_a_key_is_read_once_and_its_secret_is_gone(house: House) -> None:
    found = show(house)

    assert verdicts(house, found.key.reveal()) == ["VALID"]
    assert refusal(house) == "already_fetched"
    assert [(row.state, row.sealed) for row in rows(house)] == [("delivered", None)]


def test_the_wrong_secret_key_is_an_error_and_loses_nothing(house: House) -> None:
    with pytest.raises(Park, match="UNKEY_SYNC_SECRET_KEY"):
        show(house, Sealer([b"x" * 32]))

    assert verdicts(house, show(house).key.reveal()) == ["VALID"]


def test_a_secret_moved_to_another_row_does_not_open(house: House) -> None:
    with house.ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE handovers SET id = 'hov_other'")

    with pytest.raises(Park, match="does not belong"):
        show(house)


def test_no_table_and_no_repr_holds_the_key_in_the_clear(house: House) -> None:
    waiting = everything(house) + repr(rows(house)).encode()
    found = show(house)
    plain = found.key.reveal().encode()

    assert plain not in waiting
    assert plain not in everything(house) + repr(found).encode()


def everything(house: House) -> bytes:
    with house.ledger.engine.begin() as connection:
        tables = [connection.execute(table.select()).all() for table in metadata.sorted_tables]
    values = [value for table in tables for row in table for value in row]
    return b" ".join(
        bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode() for one in values
    )


# -- turned by hand ----------------------------------------------------------------------------------------


def test_after_a_leak_the_old_key_ends_before_the_new_one_is_made(house: House) -> None:
    old = show(house).key.reveal()
    house.transport.calls.clear()

    turned = decide(house, partial(to_rotated, overlap_until=AT_ONCE))
    house.settle()
    new = show(house).key.reveal()

    assert turned
    assert house.transport.mutations[:2] == ["keys.updateKey", "keys.createKey"]
    assert verdicts(house, old, new) == ["DISABLED", "VALID"]


def test_a_leaked_key_ends_even_if_no_new_one_can_be_made(house: House) -> None:
    old = show(house).key.reveal()

    def refuse(operation: str) -> None:
        if operation == "keys.createKey":
            raise Park("no")

    house.transport.before = refuse
    decide(house, partial(to_rotated, overlap_until=AT_ONCE))
    house.work()

    assert verdicts(house, old) == ["DISABLED"]


def test_a_revoked_slot_stays_empty_until_it_is_rotated(house: House) -> None:
    old = show(house).key.reveal()

    decide(house, to_revoked)
    house.settle()
    revoked = usable(house)
    house.accept(makers.organization(version=5 * makers.SECOND))
    house.settle()
    still = usable(house)
    decide(house, partial(to_rotated, overlap_until=AT_ONCE))
    house.settle()

    assert revoked == still == []
    assert verdicts(house, old, show(house).key.reveal()) == ["DISABLED", "VALID"]


def test_a_revoked_key_does_not_come_back_with_regained_access_or_a_later_rotation(house: House) -> None:
    old = show(house).key.reveal()
    decide(house, to_revoked)
    house.settle()
    decide(house, partial(to_rotated, overlap_until=AT_ONCE))
    house.settle()
    decide(house, partial(to_rotated, overlap_until=house.clock.now() + DAY))
    house.settle()

    house.accept(makers.organization(blocked="banned", version=5 * makers.SECOND))
    house.settle()
    house.accept(makers.organization(version=9 * makers.SECOND))
    house.settle()

    assert verdicts(house, old)[0] in ("DISABLED", "EXPIRED")
    assert verdicts(house, show(house).key.reveal()) == ["VALID"]


def test_revoking_while_access_is_suspended_holds_when_it_comes_back(house: House) -> None:
    old = show(house).key.reveal()
    house.accept(makers.organization(blocked="banned", version=5 * makers.SECOND))
    house.settle()

    decide(house, to_revoked)
    house.accept(makers.organization(version=9 * makers.SECOND))
    house.settle()

    assert usable(house) == []
    assert verdicts(house, old) == ["DISABLED"]


def test_an_older_key_can_be_ended_before_its_overlap_is_over(house: House) -> None:
    old = show(house).key.reveal()
    decide(house, partial(to_rotated, overlap_until=house.clock.now() + DAY))
    house.settle()
    new = show(house).key.reveal()

    decide(house, to_without_older)
    house.settle()

    assert verdicts(house, old, new) == ["DISABLED", "VALID"]


def test_what_was_not_read_before_a_rotation_cannot_be_read_after_it(house: House) -> None:
    decide(house, partial(to_rotated, overlap_until=house.clock.now() + DAY))
    between = refusal(house)
    house.settle()

    assert between == "expired"
    assert [(row.state, row.sealed is None) for row in rows(house)] == [("ready", False), ("expired", True)]


def test_turned_and_settled_nothing_is_left_to_do(house: House) -> None:
    decide(house, partial(to_rotated, overlap_until=AT_ONCE))
    house.settle()
    house.transport.calls.clear()

    with house.ledger.transaction() as tx:
        tx.subjects.mark_due({"org_1": 0})
    house.settle()

    assert house.transport.mutations == []


# -- turned by neglect and by age --------------------------------------------------------------------------


def test_a_key_that_nobody_reads_is_replaced_in_time(house: House) -> None:
    house.clock.advance(7 * 86_400 - 60)
    early = look_after(house)
    house.clock.advance(120)
    late = look_after(house)

    assert (early, late) == (0, 1)
    assert [row.state for row in rows(house)] == ["ready", "expired"]
    assert len(usable(house)) == 1
    assert verdicts(house, show(house).key.reveal()) == ["VALID"]


def test_a_key_that_nobody_reads_is_revoked_where_the_policy_says_so(ledger: Ledger) -> None:
    house = make_house(ledger, handover='expires = "1d"\nunfetched = "revoke"')

    house.clock.advance(86_401)
    look_after(house)

    assert usable(house) == []
    assert refusal(house) == "expired"


def test_a_key_that_nobody_reads_waits_on_where_the_policy_says_so(ledger: Ledger) -> None:
    house = make_house(ledger, handover='unfetched = "keep"')

    house.clock.advance(30 * 86_400)
    changed = look_after(house)

    assert changed == 0
    assert verdicts(house, show(house).key.reveal()) == ["VALID"]


def test_an_old_key_is_rotated_once_with_its_overlap(ledger: Ledger) -> None:
    house = make_house(ledger, keys='rotate_every = "90d"\noverlap = "24h"')
    old = show(house).key.reveal()

    house.clock.advance(90 * 86_400 + 1)
    changed = [look_after(house), look_after(house)]
    new = show(house).key.reveal()
    during = verdicts(house, old, new)
    house.clock.advance(86_500)

    assert changed == [1, 0]
    assert during == ["VALID", "VALID"]
    assert verdicts(house, old, new) == ["EXPIRED", "VALID"]


# -- sent --------------------------------------------------------------------------------------------------


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


def test_a_key_in_the_vault_is_not_sent(house: House) -> None:
    assert sender(house, Receiver()).run_once() == 0


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
    loop = Handovers(sender(sending, receiver), upkeep, sending.clock, 5.0)

    busy = [loop.run_once(), loop.run_once()]
    loop.stop.set()
    loop.run()

    assert busy == [True, False]
    assert len(receiver.messages) == 1


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
