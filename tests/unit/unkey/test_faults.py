"""What a real socket can do to a call, and what the loop must do then."""

from __future__ import annotations

import gzip
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from unkey_sync.clock import SystemClock
from unkey_sync.errors import Retry, Unknown
from unkey_sync.unkey import KeyPatch, LaneTransport, NewKey, UnkeyClient

from tests.unit.unkey.faults import Behaviour, FaultServer, answer, drip, finish, raw, reset
from tests.unit.unkey.parts import client

if TYPE_CHECKING:
    from collections.abc import Iterator

DONE = orjson.dumps({"meta": {"requestId": "req_1"}, "data": {"keyId": "key_1", "key": "shown-once"}})
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BOMB = gzip.compress(b" " * 50_000_000, compresslevel=1)

FAULTS: dict[str, Behaviour] = {
    "reset after the request": reset,
    "end without an answer": finish,
    "cut headers": raw(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "garbage": raw(b"\x16\x03\x01 what\r\n\r\n"),
    "200 kB header": raw(HEAD + b"X-Long: " + b"a" * 200_000 + b"\r\n\r\n" + DONE),
    "body shorter than its length": answer(DONE[:20], length=len(DONE)),
    "body cut on HTTP/1.0": raw(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + DONE[:40]),
    "body cut without a length": raw(HEAD + b"Connection: close\r\n\r\n" + DONE[:40]),
    "half a JSON": answer(DONE[:40]),
    "HTML with 200": answer(b"<html>all is well</html>"),
    "empty body": answer(b""),
    "wrong JSON type": answer(b'["meta"]'),
    "wrong types inside": answer(b'{"meta":{},"data":{"keyId":7,"key":true}}'),
    "no envelope": answer(b'{"keyId":"key_1","key":"k"}'),
    "gzip bomb": answer(BOMB, headers="Content-Encoding: gzip\r\n"),
    "HTML with 502": answer(b"<html>bad gateway</html>", status="502 Bad Gateway"),
    "redirect": answer(b"", status="307 Temporary Redirect", headers="Location: http://127.0.0.1:9/x\r\n"),
}


@contextmanager
def lanes(server: FaultServer, **changes: Any) -> Iterator[UnkeyClient]:
    clock = SystemClock()
    unkey = client(LaneTransport(clock, max_lanes=4), clock=clock, base_url=server.url, **changes)
    yield unkey
    unkey.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_key_creation_without_a_usable_answer_is_unknown_and_never_sent_again(fault: str) -> None:
    with FaultServer(FAULTS[fault]) as server, lanes(server) as unkey:
        with pytest.raises(Unknown) as caught:
            unkey.keys.create(NewKey(external_id="user_1"))

        assert server.requests == 1
        assert caught.value.operation == "keys.createKey"


@pytest.mark.parametrize("fault", [name for name in FAULTS if not name.startswith("wrong types")])
def test_a_repeatable_change_survives_one_lost_answer(fault: str) -> None:
    with FaultServer(FAULTS[fault], answer(DONE)) as server, lanes(server) as unkey:
        unkey.keys.update("key_1", KeyPatch(enabled=True))

        assert server.requests == 2


def test_a_repeatable_change_that_keeps_failing_is_unknown_after_few_attempts() -> None:
    with FaultServer(reset) as server, lanes(server, attempts=3) as unkey:
        with pytest.raises(Unknown):
            unkey.keys.update("key_1", KeyPatch(enabled=True))

        assert server.requests == 3


def test_a_read_that_keeps_failing_is_only_a_retry() -> None:
    with FaultServer(finish) as server, lanes(server) as unkey, pytest.raises(Retry) as caught:
        unkey.keys.get("key_1")

    assert not isinstance(caught.value, Unknown)


def test_a_connection_closed_at_reuse_leaves_a_key_creation_unknown() -> None:
    with FaultServer(answer(DONE), finish, answer(DONE)) as server, lanes(server) as unkey:
        unkey.keys.create(NewKey(external_id="user_1"))

        with pytest.raises(Unknown):
            unkey.keys.create(NewKey(external_id="user_1"))
        assert server.requests == 2


def test_a_connection_closed_at_reuse_is_survived_by_a_repeatable_change() -> None:
    with FaultServer(answer(DONE), finish, answer(DONE)) as server, lanes(server) as unkey:
        unkey.keys.update("key_1", KeyPatch(enabled=True))

        unkey.keys.update("key_1", KeyPatch(enabled=True))

        assert server.requests == 3


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 O",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        HEAD + b"Content-Length: 99999\r\n\r\n",
        HEAD + b"\r\n",
    ],
    ids=["in the status", "in the headers", "in the body", "in a body without length"],
)
def test_a_dripping_answer_is_cut_at_the_deadline(head: bytes) -> None:
    with FaultServer(drip(head)) as server, lanes(server, write_deadline_s=0.3) as unkey:
        started = time.monotonic()

        with pytest.raises(Unknown):
            unkey.keys.create(NewKey(external_id="user_1"))

        assert 0.2 < time.monotonic() - started < 1.0


def test_the_deadline_covers_all_attempts_together() -> None:
    with FaultServer(drip(HEAD)) as server, lanes(server, write_deadline_s=0.3, attempts=5) as unkey:
        started = time.monotonic()

        with pytest.raises(Unknown):
            unkey.keys.update("key_1", KeyPatch(enabled=True))

        assert time.monotonic() - started < 1.0
        assert server.requests == 1


def test_an_answer_over_the_byte_cap_is_not_read_to_its_end() -> None:
    with (
        FaultServer(answer(b" " * 3_000_000)) as server,
        lanes(server, max_answer_bytes=10_000) as unkey,
        pytest.raises(Unknown, match="TooLarge"),
    ):
        unkey.keys.create(NewKey(external_id="user_1"))


def test_a_refused_connection_is_surely_not_sent_and_tried_again_for_every_operation() -> None:
    with FaultServer(finish) as server:
        closed_url = server.url
    clock = SystemClock()
    unkey = client(LaneTransport(clock), clock=clock, base_url=closed_url)

    with pytest.raises(Retry, match="not sent") as caught:
        unkey.keys.create(NewKey(external_id="user_1"))

    assert not isinstance(caught.value, Unknown)


def test_a_redirect_is_not_followed() -> None:
    with FaultServer(answer(DONE)) as elsewhere:
        location = f"Location: {elsewhere.url}/v2/keys.createKey\r\n"
        redirect = answer(b"", status="307 Temporary Redirect", headers=location)
        with FaultServer(redirect) as server, lanes(server) as unkey, pytest.raises(Unknown):
            unkey.keys.create(NewKey(external_id="user_1"))

        assert elsewhere.requests == 0
