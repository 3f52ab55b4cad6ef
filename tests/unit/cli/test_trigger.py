"""`unkey-sync trigger`: a fresh, signed sample event that the receiver accepts."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from unkey_sync.sample import freshen, override
from unkey_sync_connectors.base import Delivery

from tests.unit.web.support import toy

NOW = 1_800_000_000_000_000
ID = uuid.UUID(int=7)


class Receiver:
    """Answers like ours and remembers what it got."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.got: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        return httpx.Response(self.status, json={})


def trigger(cli, receiver: Any, *arguments: str):
    cli.write_config()
    cli.transport = httpx.MockTransport(receiver)
    return cli.run("trigger", *arguments)


def test_the_event_is_signed_so_that_its_connector_accepts_it(cli):
    receiver = Receiver()

    ran = trigger(cli, receiver, "toy", "user.created", "--set", "user=user_42")

    (request,) = receiver.got
    toy().verify(Delivery(request.content, dict(request.headers)), cli.clock.now())
    assert (ran.code, ran.out) == (0, "200 OK {}\n")
    assert str(request.url) == "http://127.0.0.1:8787/webhooks/toy"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content)["user"] == "user_42"


def test_two_triggers_are_two_events(cli):
    receiver = Receiver()

    trigger(cli, receiver, "toy", "user.created")
    trigger(cli, receiver, "toy", "user.created")

    ids = {json.loads(request.content)["id"] for request in receiver.got}
    assert len(ids) == 2


def test_another_receiver_can_be_named(cli):
    receiver = Receiver()

    trigger(cli, receiver, "toy", "user.created", "--url", "http://10.0.0.1:1/")

    assert str(receiver.got[0].url) == "http://10.0.0.1:1/webhooks/toy"


def test_a_refusal_is_shown_and_fails(cli):
    ran = trigger(cli, Receiver(401), "toy", "user.created")

    assert (ran.code, ran.out) == (1, "401 Unauthorized {}\n")


def test_a_receiver_that_is_not_there_is_unreachable(cli):
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    ran = trigger(cli, refuse, "toy", "user.created")

    assert ran.code == 69
    assert "error[unreachable]: no answer from http://127.0.0.1:8787/webhooks/toy" in ran.err
    assert "unkey-sync dev" in ran.err


def test_without_an_event_the_samples_are_listed(cli):
    assert trigger(cli, Receiver(), "toy").out == "user.created\n"


def test_an_unknown_event_is_named_with_the_nearest_one(cli):
    ran = trigger(cli, Receiver(), "toy", "user.create")

    assert ran.code == 2
    assert "did you mean `user.created`?" in ran.err


@pytest.mark.parametrize("setting", ["nonsense", "=x", "user.name.x=1", "list.x=1", "list.9=1"])
def test_an_override_that_fits_nowhere_is_a_usage_error(cli, setting):
    with pytest.raises(ValueError, match="--set"):
        override({"user": "u", "list": [1]}, [setting])


def test_an_override_that_fits_nowhere_is_reported_without_a_traceback(cli):
    ran = trigger(cli, Receiver(), "toy", "user.created", "--set", "user.x=1")

    assert ran.code == 2
    assert ran.err.startswith("error[set]: --set")


def test_overrides_reach_into_lists_and_take_json_or_text():
    event = override({"items": [{"n": 1}]}, ["items.0.n=3", "a.b=true", "c=plain text"])

    assert event == {"items": [{"n": 3}], "a": {"b": True}, "c": "plain text"}


@pytest.mark.parametrize(
    ("sample", "fresh"),
    [
        ({"created": 1_700_000_000}, {"created": 1_800_000_000}),
        ({"timestamp": 1_700_000_000_123}, {"timestamp": 1_800_000_000_000}),
        ({"at": 1_700_000_000_000_000}, {"at": NOW}),
        ({"time": "2023-11-14T22:13:20Z"}, {"time": "2027-01-15T08:00:00Z"}),
        ({"time": "2023-11-14T22:13:20.5+00:00"}, {"time": "2027-01-15T08:00:00+00:00"}),
        ({"day": "2023-11-14T99:99"}, {"day": "2023-11-14T99:99"}),
        ({"amount": 1999, "live": True, "none": None}, {"amount": 1999, "live": True, "none": None}),
    ],
)
def test_times_move_to_now_in_their_own_notation(sample, fresh):
    assert freshen(sample, NOW) == fresh


def test_periods_keep_their_length_when_the_event_moves():
    sample = {"created": 1_700_000_000, "data": {"items": [{"period_end": 1_700_086_400}]}}

    event = freshen(sample, NOW)

    assert event["data"]["items"][0]["period_end"] - event["created"] == 86_400


def test_without_a_time_at_the_top_the_newest_inner_one_becomes_now():
    event = freshen({"data": {"created_at": 1_600_000_000, "updated_at": 1_700_000_000}}, NOW)

    assert event == {"data": {"created_at": 1_700_000_000, "updated_at": 1_800_000_000}}


@pytest.mark.parametrize(
    ("old", "new"),
    [("evt_1abc", f"evt_{ID.hex}"), ("3f6c", str(ID))],
)
def test_the_events_own_id_is_new_and_keeps_its_prefix(old, new):
    event = freshen({"id": old, "data": {"id": "user_1"}}, NOW, lambda: ID)

    assert event == {"id": new, "data": {"id": "user_1"}}


def test_the_sample_itself_is_never_changed():
    sample = {"id": "evt_1", "data": {"at": 1_700_000_000}}

    override(freshen(sample, NOW), ["data.at=5"])

    assert sample == {"id": "evt_1", "data": {"at": 1_700_000_000}}
