"""What strangers, broken senders and hurried operators send: refused without a trace, or kept and visible."""

from __future__ import annotations

import gzip
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.clock import SystemClock
from unkey_sync_connectors.base import SourceConfig
from unkey_sync_connectors.clerk import Clerk

from tests.e2e.senders import CLERK_SECRET, Letter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.deployment import Deployment
    from tests.e2e.senders import Writer
    from tests.e2e.upstream import Upstream

JSON = {"content-type": "application/json"}
CAP = 1_048_576
OUTSIDE_S = 301
"""Just outside the five minutes that signatures stay good for."""


@pytest.fixture(scope="module")
def live(deployment: Deployment, write: Writer, upstream: Upstream) -> Iterator[Deployment]:
    """Receiver and worker; in the end, whatever was sent, they are sound and have told nothing."""
    deployment.serve()
    deployment.start("worker")
    yield deployment
    deployment.send(write.user("user_last"))
    deployment.settle()
    assert upstream.limits("user_last") == [100]
    logs = "\n".join(program.log() for program in deployment.programs)
    assert not [word for word in ("Traceback", "ada@example.com", upstream.root_key) if word in logs]


def rows(deployment: Deployment) -> int:
    return sum(deployment.counts().values())


def signed(source: str, body: bytes) -> Letter:
    return Letter(source, body, f"msg_{uuid.uuid4().hex}")


Spoil = Any


def without(*names: str) -> Spoil:
    return lambda headers: {name: value for name, value in headers.items() if name not in names}


def replaced(**changes: str) -> Spoil:
    return lambda headers: {**headers, **{name.replace("_", "-"): value for name, value in changes.items()}}


BAD_CLERK: dict[str, Spoil] = {
    "no headers at all": lambda _: {},
    "no signature": without("svix-signature"),
    "no timestamp": without("svix-timestamp"),
    "no id": without("svix-id"),
    "empty signature": replaced(svix_signature=""),
    "wrong signature": replaced(svix_signature="v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    "wrong scheme": lambda headers: {**headers, "svix-signature": "v1a" + headers["svix-signature"][2:]},
    "another id": replaced(svix_id="msg_other"),
    "not a number": replaced(svix_timestamp="0x10"),
    "thirty digits": replaced(svix_timestamp="1" * 30),
    "not ASCII": replaced(svix_signature="v1,\xe9\xe9"),
    "many signatures": replaced(svix_signature=" ".join(["v1,AAAA"] * 4_000)),
}


@pytest.mark.parametrize("spoil", BAD_CLERK.values(), ids=BAD_CLERK)
def test_what_is_not_signed_by_clerk_leaves_no_row(spoil: Any, live: Deployment, write: Writer) -> None:
    letter = write.user("user_bad")
    before = rows(live)
    headers = {name: value.encode("latin-1") for name, value in spoil(letter.headers()).items()}

    answer = live.post.raw("/webhooks/clerk", letter.body, {**JSON, **headers})

    assert (answer.status_code, rows(live)) == (401, before)


@pytest.mark.parametrize("seconds", [-OUTSIDE_S, OUTSIDE_S, -86_400, 86_400])
@pytest.mark.parametrize("source", ["clerk", "stripe"])
def test_old_and_future_signatures_leave_no_row(
    source: str, seconds: int, live: Deployment, write: Writer
) -> None:
    letter = write.user("user_bad") if source == "clerk" else write.customer("user_bad")
    before = rows(live)

    answer = live.post.deliver(letter, at=time.time() + seconds)

    assert (answer.status_code, rows(live)) == (401, before)


def test_a_changed_byte_and_a_stranger_secret_are_refused(live: Deployment, write: Writer) -> None:
    letter = write.customer("user_bad")
    before = rows(live)

    changed = live.post.raw("/webhooks/stripe", letter.body + b" ", {**JSON, **letter.headers()})
    crossed = live.post.raw("/webhooks/stripe", letter.body, {**JSON, **write.user("user_bad").headers()})

    assert (changed.status_code, crossed.status_code, rows(live)) == (401, 401, before)


def test_an_unknown_source_looks_like_a_bad_signature(live: Deployment, write: Writer) -> None:
    letter = write.user("user_bad")

    unknown = live.post.raw("/webhooks/nobody", letter.body, {**JSON, **letter.headers()})
    refused = live.post.raw("/webhooks/clerk", letter.body, JSON)

    assert (unknown.status_code, unknown.content) == (401, refused.content)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'"text"', b'{"a": 1} trailing'])
@pytest.mark.parametrize("source", ["clerk", "stripe"])
def test_what_is_signed_but_no_event_is_malformed(source: str, body: bytes, live: Deployment) -> None:
    before = rows(live)
    letter = signed(source, body)

    answer = live.post.raw(f"/webhooks/{source}", body, {**JSON, **letter.headers()})

    assert (answer.status_code, rows(live)) == (400, before)


def test_signed_bytes_that_are_no_text_are_malformed(live: Deployment) -> None:
    config = SourceConfig(name="clerk", kind="clerk", secrets=(CLERK_SECRET,))
    body = b'{"type": "\xff\xfe"}'
    before = rows(live)

    answer = live.post.raw("/webhooks/clerk", body, {**JSON, **Clerk(config).sign(body, SystemClock().now())})

    assert (answer.status_code, rows(live)) == (400, before)


def test_a_body_up_to_the_cap_is_taken_and_one_over_it_is_not(live: Deployment, write: Writer) -> None:
    payload = json.loads(write.user("user_large").body)
    small = len(json.dumps({**payload, "padding": ""}).encode())
    fits = json.dumps({**payload, "padding": "x" * (CAP - small)}).encode()
    before = rows(live)

    taken = live.post.deliver(signed("clerk", fits))
    refused = live.post.deliver(signed("clerk", fits + b" "))

    assert len(fits) == CAP
    assert (taken.status_code, refused.status_code, rows(live)) == (200, 413, before + 1)


def test_only_plain_json_is_read(live: Deployment, write: Writer) -> None:
    letter = write.user("user_bad")
    before = rows(live)
    types: dict[str, dict[str, str]] = {
        "form": {"content-type": "application/x-www-form-urlencoded"},
        "text": {"content-type": "text/plain"},
        "gzip": {**JSON, "content-encoding": "gzip"},
        "br": {**JSON, "content-encoding": "br"},
    }

    answers = {
        name: live.post.raw("/webhooks/clerk", gzip.compress(letter.body), {**headers, **letter.headers()})
        for name, headers in types.items()
    }

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(types, 415)
    assert rows(live) == before


def test_an_unknown_plan_is_visible_and_takes_nothing_away(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(write.user("user_plan"), write.customer("user_plan"), write.subscription("user_plan"))
    live.settle()

    live.send(write.subscription("user_plan", "updated", plan="made_up_yesterday"))
    live.settle()

    found = live.json("subjects", "show", "user_plan")
    assert any("made_up_yesterday" in problem for problem in found["desired"]["problems"])
    assert upstream.limits("user_plan") == [100]
    assert found["desired"]["access"] == "enabled"


def test_an_unusable_event_is_parked_and_replayed_once_it_can_be_understood(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(write.user("user_replay"), write.customer("user_replay"))
    live.settle()
    wrong = write.subscription("user_replay", "created", "livemode=true")
    strict = {"UNKEY_SYNC_CONFIG": str(live.folder / "test-mode-only.toml")}
    (live.folder / "test-mode-only.toml").write_text(
        live.policy.read_text() + '\n[sources.stripe]\nkind = "stripe"\naccount = "test"\n'
    )
    receiver = live.start("serve", "--port", "0", **strict)
    usual, live.post.url = live.post.url, receiver.ready()["url"]
    payload = json.loads(wrong.body)
    payload["livemode"] = True

    live.send(Letter("stripe", json.dumps(payload).encode()))
    live.post.url = usual
    assert receiver.stop() == 0
    (parked,) = parked_for_account(live)
    live.cli("events", "replay", parked["id"], expect=1, **strict)
    before = upstream.limits("user_replay")
    live.cli("events", "replay", parked["id"])
    live.settle()

    assert "account" in parked["reason"]
    assert (before, upstream.limits("user_replay")) == ([100], [1000])
    assert parked_for_account(live) == []


def parked_for_account(live: Deployment) -> list[dict[str, Any]]:
    """Parked by this test; others park events of the same source for other reasons."""
    rows = live.json("events", "list", "--state", "parked", "--source", "stripe")
    return [row for row in rows if "account" in row["reason"]]


def bombs() -> dict[str, Callable[[dict[str, Any]], bytes]]:
    """Bodies that are signed as they should be and made to hurt; each from a sound Clerk payload."""

    def put(text: str) -> Callable[[dict[str, Any]], bytes]:
        return lambda payload: (
            json.dumps(payload).replace('"first_name"', f'"bomb": {text}, "first_name"').encode()
        )

    return {
        "200,000 deep": put("[" * 200_000 + "]" * 200_000),
        "NaN": put("NaN"),
        "Infinity": put("1e999"),
        "5,000 digits": put("9" * 5_000),
        "lone surrogate": put('"\\ud800"'),
        "NUL": put('"a\\u0000b"'),
        "duplicate keys": put('1, "bomb": 2'),
        "100,000 keys": put("{" + ", ".join(f'"k{n}": 0' for n in range(60_000)) + "}"),
        "NUL in the id": lambda payload: _with(payload, id="user_\0nul"),
        "surrogate in the id": lambda payload: _with(payload, id="user_\ud800"),
        "an id of 5,000 letters": lambda payload: _with(payload, id="u" * 5_000),
        "an id that is a list": lambda payload: _with(payload, id=["user"]),
        "a huge instant": lambda payload: _with(payload, updated_at=10**30),
        "a negative instant": lambda payload: _with(payload, updated_at=-1),
        "an instant that is text": lambda payload: _with(payload, updated_at="yesterday"),
        "no data": lambda payload: json.dumps({**payload, "data": None}).encode(),
        "a type of 100,000 letters": lambda payload: json.dumps({**payload, "type": "t" * 100_000}).encode(),
        "a NUL in the type": lambda payload: json.dumps({**payload, "type": "user\0created"}).encode(),
    }


def _with(payload: dict[str, Any], **data: Any) -> bytes:
    return json.dumps({**payload, "data": {**payload["data"], **data}}).encode()


@pytest.mark.parametrize("name", bombs())
def test_a_signed_bomb_is_refused_once_or_kept_and_never_breaks_anything(
    name: str, live: Deployment, write: Writer
) -> None:
    payload = json.loads(write.user(f"user_{uuid.uuid4().hex}").body)
    letter = signed("clerk", bombs()[name](payload))
    before, began = rows(live), time.monotonic()

    answer = live.post.deliver(letter)
    again = live.post.deliver(letter)
    took_s = time.monotonic() - began
    live.settle()

    assert answer.status_code in (200, 400), answer.text
    assert again.status_code == answer.status_code
    assert rows(live) - before == (1 if answer.status_code == 200 else 0)
    assert took_s < 2
    assert live.parked() == []


WRONG_CONFIGS = {
    "no TOML": ("[[plans]\n", ":1:"),
    "unknown key": ('[subjects]\nowner = "both"\nlinks = ["id"]\n', ":3: subjects.links"),
    "impossible value": ('[subjects]\nowner = "everybody"\n', ":2: subjects.owner"),
    "two defaults": (
        '[[plans]]\nname = "a"\ndefault = true\n[[plans]]\nname = "b"\ndefault = true\n',
        "plans",
    ),
    "unknown kind": ('[sources.crm]\nkind = "clark"\n', "crm"),
    "secret of a wrong form": (
        '[sources.clerk]\nkind = "clerk"\nwebhook_secrets = ["hunter2-is-no-base64!"]\n',
        "clerk",
    ),
}


ROLES = ("serve", "worker", "scheduler")


@pytest.mark.parametrize("name", WRONG_CONFIGS)
def test_a_wrong_configuration_is_named_by_place_and_echoes_no_value(
    name: str, deployment: Deployment
) -> None:
    role = ROLES[len(name) % len(ROLES)]
    text, place = WRONG_CONFIGS[name]
    file = deployment.folder / "wrong.toml"
    file.write_text(text)
    environment = {"UNKEY_SYNC_CONFIG": str(file)}
    if name == "secret of a wrong form":
        environment["CLERK_WEBHOOK_SIGNING_SECRET"] = ""

    said = deployment.cli(role, expect=2, **environment)

    assert place in said
    assert "Traceback" not in said
    assert not any(secret in said for secret in ("hunter2", "everybody", deployment.upstream.root_key))
