"""`unkey-sync verify`: the likeliest reason for a signature that fails, and what to do about it."""

from __future__ import annotations

import json

import pytest
from unkey_sync.cli.diagnosis import stated_instants
from unkey_sync.cli.verify import read_headers
from unkey_sync_connectors.base import Delivery, SourceConfig

from tests.unit.web.support import SECRET, Bell, Toy

BODY = b'{"id": "evt_1", "type": "user.created", "user": "Zo\xc3\xab"}'


def signature(body: bytes, now: int, secret: str = SECRET, kind: type[Toy] = Toy) -> str:
    config = SourceConfig(name="x", kind=kind.kind, secrets=(secret,))
    return "".join(f"{name}: {value}" for name, value in kind(config).sign(body, now).items())


def verify(cli, body: bytes, header: str, *more: str):
    cli.write_config()
    file = cli.folder / "body"
    file.write_bytes(body)
    return cli.run("verify", "toy", str(file), "-H", header, *more)


def test_a_good_delivery_is_valid(cli):
    ran = verify(cli, BODY, signature(BODY, cli.clock.now()))

    assert (ran.code, ran.out) == (0, "valid: The signature is valid, at this very moment.\n")


def test_an_old_delivery_blames_the_clock_and_says_how_old_it_is(cli):
    header = signature(BODY, cli.clock.now())
    cli.clock.advance(7200)

    ran = verify(cli, BODY, header)

    assert ran.code == 1
    assert ran.out.startswith(
        "clock: Secret and body are right, but it was signed 7200 s ago; 300 s are allowed."
    )


def test_a_delivery_from_the_future_says_so(cli):
    header = signature(BODY, cli.clock.now() + 900_000_000)

    assert "900 s in the future" in verify(cli, BODY, header).out


@pytest.mark.parametrize(
    ("changed", "hint"),
    [
        (BODY + b"\n", "line break was added"),
        (b"\xef\xbb\xbf" + BODY, "byte order mark"),
        (json.dumps(json.loads(BODY), indent=4).encode(), "parsed and written again"),
    ],
)
def test_a_changed_body_names_the_change(cli, changed, hint):
    header = signature(BODY if b"    " not in changed else _compact(), cli.clock.now())

    ran = verify(cli, changed, header)

    assert ran.out.startswith("body: ")
    assert hint in ran.out


def test_a_changed_body_is_recognised_even_in_an_old_recording(cli):
    header = signature(BODY, cli.clock.now())
    cli.clock.advance(7200)

    assert verify(cli, BODY + b"\n", header).out.startswith("body: ")


def test_the_secret_of_another_source_is_named(cli):
    ran = verify(cli, BODY, signature(BODY, cli.clock.now(), "another-long-secret"))

    assert ran.out.startswith("other_source: It was signed for the source other.")


def test_the_scheme_of_another_vendor_is_named(cli):
    ran = verify(cli, BODY, signature(BODY, cli.clock.now(), kind=Bell))

    assert ran.out.startswith("other_kind: The secret is right, but it was signed the way bell signs.")


def test_a_wrong_secret_is_what_remains(cli):
    ran = verify(cli, BODY, signature(BODY, cli.clock.now(), "quite-another-secret"), "--json")

    assert ran.code == 1
    assert ran.json["cause"] == "secret"
    assert "Copy the signing secret" in ran.json["remedy"]


def test_a_missing_header_is_named(cli):
    ran = verify(cli, BODY, "accept: */*")

    assert ran.out.startswith("missing_header: A signature header is missing (x-toy-signature).")


def test_headers_come_from_a_file_too(cli):
    name, _, value = signature(BODY, cli.clock.now()).partition(": ")
    recorded = cli.folder / "headers"
    recorded.write_text(
        f"POST /webhooks/toy HTTP/1.1\r\nHost: x\r\n{name.upper()}: {value}\r\n", encoding="utf-8"
    )

    assert verify(cli, BODY, f"@{recorded}").code == 0


def test_headers_may_be_a_json_object():
    assert read_headers('{"X-Sig": "a:b"}') == {"x-sig": "a:b"}


@pytest.mark.parametrize("header", ["no separator", "@/nowhere", ": x"])
def test_a_header_that_cannot_be_read_is_a_usage_error(cli, header):
    assert verify(cli, BODY, header).code == 2


def test_headers_in_broken_json_are_a_usage_error(cli):
    (cli.folder / "headers").write_text("{nope", encoding="utf-8")

    assert verify(cli, BODY, f"@{cli.folder / 'headers'}").code == 2


def test_a_missing_body_is_a_usage_error(cli):
    cli.write_config()

    ran = cli.run("verify", "toy", "/nowhere")

    assert (ran.code, ran.err) == (2, "error[file]: /nowhere: No such file or directory\n")


def test_a_source_that_is_not_configured_is_named_with_the_nearest_one(cli):
    cli.write_config()
    (cli.folder / "body").write_bytes(BODY)

    ran = cli.run("verify", "toyy", str(cli.folder / "body"))

    assert ran.code == 2
    assert "source toyy is not configured; did you mean `toy`?" in ran.err


def test_a_source_without_a_secret_says_what_to_set(cli):
    cli.write_config()
    (cli.folder / "body").write_bytes(BODY)

    ran = cli.run("verify", "mute", str(cli.folder / "body"))

    assert ran.code == 2
    assert "sources.mute.webhook_secrets" in ran.err


def test_a_body_that_is_no_text_survives_the_way(cli):
    body = b"\xff\xfe\x00raw"

    assert verify(cli, body, signature(body, cli.clock.now())).code == 0


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("t=1760000000,v1=00", 1_760_000_000_000_000),
        ("1760000000123", 1_760_000_000_123_000),
        ("2025-10-09T08:53:20.000", 1_760_000_000_000_000),
        ("2025-10-09T10:53:20+02:00", 1_760_000_000_000_000),
        ("2025-99-09T10:53:20Z", None),
    ],
)
def test_instants_are_found_in_any_header(value, instant):
    found = stated_instants(Delivery(b"", {"x": value}))

    assert found == ([] if instant is None else [instant])


def _compact() -> bytes:
    return json.dumps(json.loads(BODY), separators=(",", ":"), ensure_ascii=False).encode()
