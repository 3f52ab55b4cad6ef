"""A message becomes an intake whatever it holds; forgeries are parked and never replayed."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from unkey_sync.clock import FakeClock
from unkey_sync.consume.message import Message
from unkey_sync.consume.reading import Reader, not_storable
from unkey_sync_connectors.base import SourceConfig
from unkey_sync_connectors.clerk import Clerk

from tests.unit.web.support import SECRET, Toy, toy

BODY = b'{"id": "evt_1", "user": "user_1"}'


def reader(**changes: object) -> Reader:
    given: dict[str, Any] = {"source": "toy", "connector": toy(), "clock": FakeClock(), **changes}
    return Reader(**given)


def test_a_good_message_is_an_intake_with_its_raw_body() -> None:
    (intake,) = reader().read(Message(BODY))

    assert [event.delivery_id for event in intake.events] == ["evt_1"]
    assert intake.raw == BODY
    assert intake.parked is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"{", "malformed"), (b"{}", "user"), (b" " * 2_000_000, "larger than 1048576 bytes")],
)
def test_a_message_that_cannot_be_read_is_parked_with_its_reason(body: bytes, reason: str) -> None:
    (intake,) = reader().read(Message(body))

    assert intake.parked is not None
    assert intake.parked.reason == reason
    assert intake.raw == body


def test_without_verification_whoever_writes_to_the_queue_is_believed() -> None:
    (intake,) = reader(verify=False).read(Message(BODY))

    assert intake.parked is None


def test_with_verification_an_unsigned_message_is_parked_as_rejected() -> None:
    (intake,) = reader(verify=True).read(Message(BODY))

    assert intake.parked is not None
    assert intake.parked.reason == "rejected: missing_header"


def test_with_verification_a_signed_message_is_read() -> None:
    clock = FakeClock()
    signer = Toy(SourceConfig(name="toy", kind="toy", secrets=(SECRET,)))

    (intake,) = reader(verify=True, clock=clock).read(Message(BODY, signer.sign(BODY, clock.now())))

    assert intake.parked is None


def test_one_bad_event_of_a_batch_is_parked_and_the_others_are_read() -> None:
    envelope = {"specversion": "1.0", "source": "s", "type": "t"}
    batch = [{**envelope, "id": "1", "data": {"user": "user_1"}}, {**envelope, "id": "2", "data": {}}]

    intakes = reader(form="cloudevents").read(Message(orjson.dumps(batch)))

    assert [intake.parked is None for intake in intakes] == [True, False]


def test_an_envelopes_id_tells_two_alike_events_apart() -> None:
    clerk = Clerk(SourceConfig(name="clerk", kind="clerk"))
    data = clerk.samples()["user.created"]
    envelope = {"specversion": "1.0", "source": "s", "type": "t", "data": data}
    batch = [{**envelope, "id": "1"}, {**envelope, "id": "2"}]

    intakes = reader(source="clerk", connector=clerk, form="cloudevents").read(Message(orjson.dumps(batch)))

    assert [one.events[0].delivery_id for one in intakes] == ["ce:s/1", "ce:s/2"]


def test_a_connectors_own_id_goes_before_the_envelopes() -> None:
    envelope = {"specversion": "1.0", "source": "s", "type": "t", "id": "1", "data": orjson.loads(BODY)}

    (intake,) = reader(form="cloudevents").read(Message(orjson.dumps(envelope)))

    assert intake.events[0].delivery_id == "evt_1"


def test_what_the_database_cannot_hold_is_kept_raw_under_an_id_made_of_its_body() -> None:
    (intake,) = reader().read(Message(BODY))

    parked = not_storable(intake)

    assert parked.events == ()
    assert parked.raw == BODY
    assert parked.parked is not None
    assert parked.parked.delivery_id is None
