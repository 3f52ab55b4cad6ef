"""/_sandbox/*: clock, state, history, reset; and the page."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.client import Unkey

MARKUP = "<script>alert('x')</script>"


def test_the_clock_moves_forward_and_stops(unkey: Unkey):
    stopped = unkey.sandbox.clock(tick=False)

    moved = unkey.sandbox.clock(advance_s=90)

    assert moved["now"] == stopped["now"] + 90_000
    assert unkey.sandbox.clock()["now"] == moved["now"]


def test_a_stopped_clock_goes_on_from_where_it_stands(unkey: Unkey):
    stopped = unkey.sandbox.clock(tick=False, advance_s=3600)

    running = unkey.sandbox.clock(tick=True)

    assert 0 <= running["now"] - stopped["now"] < 60_000


def test_the_clock_can_be_set_and_jump_to_the_next_expiry(unkey: Unkey):
    unkey.sandbox.clock(tick=False, set="2030-01-01T00:00:00Z")
    key = unkey.key(expires=1_893_456_000_000 + 5_000)
    before = unkey.verified(key)["code"]

    moved = unkey.sandbox.clock(to="expiry")

    assert (before, unkey.verified(key)["code"]) == ("VALID", "EXPIRED")
    assert moved["now"] == 1_893_456_005_001


@pytest.mark.parametrize("change", [
    {"advance_s": -1}, {"set": 0}, {"set": "soon"}, {"set": "2030-01-01T00:00:00"}, {"to": "lunch"},
    {"to": "expiry"}, {"bogus": 1}, {"advance_s": "1"},
])  # fmt: skip
def test_a_clock_change_that_makes_no_sense_is_refused(unkey: Unkey, change: dict[str, Any]):
    with pytest.raises(ValueError, match=r"\w"):
        unkey.sandbox.clock(**change)


@pytest.mark.parametrize("content", [b"{", b"[]"])
def test_a_control_body_must_be_an_object(unkey: Unkey, content: bytes):
    answer = httpx.post(f"{unkey.sandbox.url}/_sandbox/clock", content=content)

    assert answer.status_code == 400


def test_unknown_controls_and_methods_are_refused(unkey: Unkey):
    unknown = httpx.get(f"{unkey.sandbox.url}/_sandbox/nope")
    wrong = httpx.put(f"{unkey.sandbox.url}/_sandbox/faults")

    assert unknown.status_code == 404
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "DELETE, GET, POST")


def test_neither_state_nor_history_nor_page_shows_a_secret(unkey: Unkey):
    key = unkey.key(apiId=unkey.sandbox.apis["api_encrypted"], recoverable=True)
    unkey.verified(key)
    unkey.ok("keys.whoami", {"key": key["key"]})

    shown = "".join(
        httpx.get(unkey.sandbox.url + path).text for path in ("/_sandbox/state", "/_sandbox/history", "/")
    )

    assert key["keyId"] in shown
    assert key["key"] not in shown
    assert unkey.sandbox.root_keys["worker"] not in shown.replace('"name":"worker"', "")


def test_the_history_names_who_called_what(unkey: Unkey):
    unkey.ok("identities.createIdentity", {"externalId": "u", "meta": {"key": "mine"}}, "worker")
    unkey.refused("identities.getIdentity", {"identity": "nobody"}, "none")

    made, missed = unkey.sandbox.history()

    assert (made["root_key"], made["status"], made["committed"]) == ("worker", 200, True)
    assert made["body"] == {"externalId": "u", "meta": {"key": "mine"}}
    assert made["request_id"].startswith("req_")
    assert (missed["root_key"], missed["status"], missed["committed"]) == ("none", 404, False)


def test_a_reset_brings_back_the_seed(unkey: Unkey):
    seeded = unkey.sandbox.state()
    unkey.ok("apis.deleteApi", {"apiId": unkey.sandbox.apis["main"]})
    unkey.key(externalId="u")
    unkey.sandbox.modes(nodes=2, replica_lag_s=9)
    unkey.sandbox.advance(1_000_000)

    unkey.sandbox.reset()

    again = unkey.sandbox.state()
    assert {name: rows for name, rows in again.items() if name != "clock"} == {
        name: rows for name, rows in seeded.items() if name != "clock"
    }
    assert unkey.sandbox.history() == []
    assert unkey.ok("apis.getApi", {"apiId": unkey.sandbox.apis["main"]})["name"] == "main"


def test_the_page_shows_everything_and_escapes_it(unkey: Unkey):
    unkey.ok("identities.createIdentity", {"externalId": "u", "meta": {"note": MARKUP}})
    unkey.ok("permissions.createRole", {"name": MARKUP, "permissions": ["docs.read"]})
    key = unkey.key(externalId="u", prefix="acme", roles=[MARKUP], enabled=False, credits={"remaining": 7})

    page = httpx.get(unkey.sandbox.url)

    assert MARKUP not in page.text
    assert "&lt;script&gt;" in page.text
    assert all(
        text in page.text for text in (key["keyId"], "acme_", "docs.read", "disabled", "keys.createKey")
    )


def test_the_page_forbids_scripts_and_frames(unkey: Unkey):
    headers = httpx.get(unkey.sandbox.url).headers

    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
