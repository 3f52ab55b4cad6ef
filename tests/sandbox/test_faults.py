"""Scripted misbehaviour on real connections: what the client sees, and what was done all the same."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest

from tests.sandbox.client import Unkey

CREATE = "identities.createIdentity"
BODY = {"externalId": "u"}


def exists(unkey: Unkey) -> bool:
    return unkey.sandbox.call("identities.getIdentity", {"identity": "u"}).status_code == 200


def create(unkey: Unkey, timeout: float = 30) -> httpx.Response:
    """On a connection of its own, so that a broken one harms no other call."""
    headers = {"Authorization": f"Bearer {unkey.sandbox.root_keys['full']}"}
    return httpx.post(f"{unkey.sandbox.url}/v2/{CREATE}", json=BODY, headers=headers, timeout=timeout)


BOTH = pytest.mark.parametrize("when", ["before", "after"])


@BOTH
def test_a_server_error_may_hide_a_commit(unkey: Unkey, when: str):
    unkey.sandbox.fault("server_error", CREATE, when=when, status=503)

    answer = create(unkey)

    assert answer.status_code == 503
    assert answer.json()["error"]["status"] == 503
    assert exists(unkey) is (when == "after")


@BOTH
@pytest.mark.parametrize(("how", "error"), [("rst", httpx.ReadError), ("fin", httpx.RemoteProtocolError)])
def test_a_connection_may_break_before_or_after_the_commit(
    unkey: Unkey, when: str, how: str, error: type[Exception]
):
    unkey.sandbox.fault("drop", CREATE, when=when, how=how)

    with pytest.raises(error):
        create(unkey)

    assert exists(unkey) is (when == "after")


@BOTH
def test_an_answer_may_never_come(unkey: Unkey, when: str):
    unkey.sandbox.fault("hang", CREATE, when=when)

    with pytest.raises(httpx.ReadTimeout):
        create(unkey, timeout=0.2)

    assert exists(unkey) is (when == "after")


def test_an_answer_may_end_in_the_middle(unkey: Unkey):
    unkey.sandbox.fault("truncate", CREATE, when="after")

    with pytest.raises(httpx.RemoteProtocolError):
        create(unkey)

    assert exists(unkey)


@pytest.mark.parametrize(("kind", "content_type"), [("html", "text/html"), ("not_json", "application/json")])
def test_an_answer_may_be_no_json(unkey: Unkey, kind: str, content_type: str):
    unkey.sandbox.fault(kind, CREATE, when="after", status=502)

    answer = create(unkey)

    assert (answer.status_code, answer.headers["content-type"]) == (502, content_type)
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


def test_an_answer_may_have_an_unexpected_shape(unkey: Unkey):
    unkey.sandbox.fault("wrong_type", CREATE, when="after")

    assert create(unkey).json() == ["unexpected"]


@pytest.mark.parametrize("seconds", [0, 7, None])
def test_a_429_says_how_long_to_wait_as_told(unkey: Unkey, seconds: int | None):
    unkey.sandbox.fault("rate_limited", CREATE, retry_after_s=seconds)

    answer = create(unkey)

    assert answer.status_code == 429
    assert answer.headers.get("retry-after") == (None if seconds is None else str(seconds))
    assert not exists(unkey)


@BOTH
def test_a_client_that_gives_up_during_a_wait_undoes_only_what_was_not_committed(unkey: Unkey, when: str):
    unkey.sandbox.fault("latency", CREATE, when=when, delay_s=30)

    with pytest.raises(httpx.ReadTimeout):
        create(unkey, timeout=0.2)

    assert exists(unkey) is (when == "after")


def test_latency_only_delays(unkey: Unkey):
    unkey.sandbox.fault("latency", CREATE, delay_s=0.05)

    answer = create(unkey)

    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.05


def test_short_timeouts_leave_keys_that_nobody_has(unkey: Unkey):
    api = unkey.api()
    unkey.sandbox.fault("latency", "keys.createKey", when="after", delay_s=30, times=5)
    url, secret = unkey.sandbox.url, unkey.sandbox.root_keys["full"]

    for _ in range(5):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{url}/v2/keys.createKey",
                json={"apiId": api},
                headers={"Authorization": f"Bearer {secret}"},
                timeout=0.05,
            )

    assert len(unkey.ok("apis.listKeys", {"apiId": api})) == 5


def test_a_client_that_sends_half_a_request_and_leaves_does_nothing(unkey: Unkey):
    host, port = unkey.sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = f"POST /v2/{CREATE} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
        line.sendall(head.encode() + b'{"externalId"')

    assert not exists(unkey)


def test_a_rule_fires_so_often_and_then_no_more(unkey: Unkey):
    unkey.sandbox.fault("server_error", CREATE, times=2, skip=1)

    codes = [unkey.sandbox.call(CREATE, {"externalId": f"u{number}"}).status_code for number in range(5)]

    assert codes == [200, 500, 500, 200, 200]


def test_probability_is_repeatable_with_a_seed(unkey: Unkey):
    def run() -> list[int]:
        unkey.sandbox.reset()
        unkey.sandbox.modes(seed=7)
        unkey.sandbox.fault("server_error", "*", times=None, probability=0.5)
        return [unkey.sandbox.call("identities.listIdentities", {}).status_code for _ in range(40)]

    first, second = run(), run()

    assert first == second
    assert set(first) == {200, 500}


@pytest.mark.parametrize(
    ("pattern", "hit"), [("keys.*", False), ("identities.*", True), ("*.createIdentity", True)]
)
def test_a_rule_fits_operations_by_pattern(unkey: Unkey, pattern: str, hit: bool):
    unkey.sandbox.fault("server_error", pattern)

    assert (unkey.sandbox.call(CREATE, BODY).status_code == 500) is hit


def test_a_rule_can_be_for_one_root_key_only(unkey: Unkey):
    unkey.sandbox.fault("server_error", CREATE, root_key="worker", times=None)

    codes = [
        unkey.sandbox.call(CREATE, {"externalId": alias}, alias).status_code for alias in ("full", "worker")
    ]

    assert codes == [200, 500]


def test_the_history_tells_what_was_done_whatever_the_client_saw(unkey: Unkey):
    for when in ("before", "after"):
        unkey.sandbox.fault("server_error", CREATE, when=when)
        create(unkey)

    calls = unkey.sandbox.history(CREATE)

    assert [(call["status"], call["committed"], call["fault"]) for call in calls] == [
        (500, False, "server_error"),
        (200, True, "server_error"),
    ]


def test_healing_ends_all_faults(unkey: Unkey):
    unkey.sandbox.fault("server_error", CREATE, times=None)

    unkey.sandbox.heal()

    assert create(unkey).status_code == 200


BAD: list[tuple[dict[str, Any], str]] = [
    ({"kind": "explode"}, "kind: must be one of"),
    ({"kind": "drop", "how": "slam"}, "how: must be"),
    ({"kind": "drop", "when": "never"}, "when: must be one of"),
    ({"kind": "drop", "bogus": 1}, "bogus: unknown field"),
    ({"kind": "drop", "times": "often"}, "times: must be a number"),
    ({"rules": [{"operation": "*"}]}, "kind: is required"),
    ({"lag": 1}, "lag: unknown field"),
    ({"replica_lag_s": -1}, "replica_lag_s: must be a number"),
]


@pytest.mark.parametrize(("body", "message"), BAD)
def test_a_rule_that_makes_no_sense_is_refused_with_its_field(
    unkey: Unkey, body: dict[str, Any], message: str
):
    answer = httpx.post(f"{unkey.sandbox.url}/_sandbox/faults", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(message)
