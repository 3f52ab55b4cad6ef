"""Paths, methods, bodies, headers: what comes before any operation."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.client import Unkey, refusal_of

PROBE = "/v2/identities.getIdentity"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def http(unkey: Unkey):
    with httpx.Client(base_url=unkey.sandbox.url, headers={"Accept": "*/*"}) as client:
        yield client


def auth(unkey: Unkey, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {unkey.sandbox.root_keys['full']}", **more}


def test_liveness_needs_no_key(http: httpx.Client):
    answer = http.get("/v2/liveness")

    assert answer.status_code == 200
    assert answer.json()["data"] == {"message": "we're cooking"}


def test_no_answer_carries_a_request_id_header(unkey: Unkey):
    answer = unkey.sandbox.call("identities.listIdentities", {})

    assert answer.json()["meta"]["requestId"].startswith("req_")
    assert not {"x-request-id", "request-id", "etag"} & set(answer.headers)


@pytest.mark.parametrize(
    "path", ["/v2/keys.nope", "/v1/keys.createKey", PROBE + "/", "/v2/Identities.getIdentity"]
)
def test_an_unknown_path_is_a_plain_text_404(http: httpx.Client, unkey: Unkey, path: str):
    answer = http.post(path, headers=auth(unkey), json={})

    assert (answer.status_code, answer.text.strip()) == (404, "404 page not found")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_wrong_method_names_the_right_one(http: httpx.Client, unkey: Unkey, method: str):
    answer = http.request(method, PROBE, headers=auth(unkey))

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("body", [b"{bad", b'{"identity":"x"} trailing', b'{"identity":NaN}', b"[1,]", b" "])
def test_a_body_that_is_not_json_is_refused_as_a_schema_error(http: httpx.Client, unkey: Unkey, body: bytes):
    answer = http.post(PROBE, headers=auth(unkey, **JSON), content=body)

    assert refusal_of(answer).locations == ("requestBody",)
    assert answer.headers["content-type"] == "application/json"


def test_an_oversized_body_looks_empty_to_the_validator(http: httpx.Client, unkey: Unkey):
    content = b'{"identity":"' + b"x" * (10 * 1024 * 1024) + b'"}'

    answer = http.post(PROBE, headers=auth(unkey, **JSON), content=content)

    assert refusal_of(answer).detail == f"POST request body is empty for '{PROBE}'"


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type_is_refused(http: httpx.Client, unkey: Unkey, content_type: str):
    headers = auth(unkey) | ({"Content-Type": content_type} if content_type else {})

    answer = http.post(PROBE, headers=headers, content=b'{"identity":"x"}')

    assert refusal_of(answer).status == 400


def test_a_charset_beside_the_json_type_is_fine(http: httpx.Client, unkey: Unkey):
    headers = auth(unkey, **{"Content-Type": "application/json; charset=utf-8"})

    answer = http.post(PROBE, headers=headers, content=b'{"identity":"x"}')

    assert answer.status_code == 404


def test_of_a_member_given_twice_the_last_counts(http: httpx.Client, unkey: Unkey):
    body = b'{"externalId":"first","externalId":"second"}'

    http.post("/v2/identities.createIdentity", headers=auth(unkey, **JSON), content=body)

    assert unkey.refused("identities.getIdentity", {"identity": "first"}).status == 404
    assert unkey.ok("identities.getIdentity", {"identity": "second"})["externalId"] == "second"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/problem+json"),
        ("application/*", "application/problem+json"),
        ("application/problem+json", "application/problem+json"),
        ("application/json", "application/json"),
        ("text/html", "application/json"),
    ],
)
def test_accept_decides_the_type_of_an_error(http: httpx.Client, unkey: Unkey, accept: str, expected: str):
    answer = http.post(PROBE, headers=auth(unkey, Accept=accept), json={"identity": "nobody"})

    assert answer.headers["content-type"] == expected


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "bearer unkey_full", "unkey_full"])
def test_another_scheme_is_malformed(http: httpx.Client, header: str):
    answer = http.post(PROBE, headers={"Authorization": header}, json={"identity": "x"})

    assert refusal_of(answer).kind == "unkey/authentication/malformed"


def test_no_authorization_is_a_400_that_comes_before_the_schema(http: httpx.Client):
    answer = http.post(PROBE, json={})

    assert refusal_of(answer).locations == ("security",)


@pytest.mark.parametrize(
    ("alias", "status", "kind"),
    [
        ("disabled", 403, "unkey/authorization/key_disabled"),
        ("expired", 403, "unkey/authorization/forbidden"),
        ("disabled_ws", 403, "unkey/authorization/workspace_disabled"),
        ("gone_ws", 404, "unkey/data/workspace_not_found"),
    ],
)
def test_an_unusable_root_key_says_why(unkey: Unkey, alias: str, status: int, kind: str):
    refusal = unkey.refused("identities.listIdentities", {}, alias)

    assert (refusal.status, refusal.kind) == (status, kind)


def test_an_expired_root_key_names_the_moment(unkey: Unkey):
    refusal = unkey.refused("identities.listIdentities", {}, "expired")

    assert refusal.detail.endswith("the key has expired on 1970-01-01T00:00:00Z")


def test_a_customers_key_is_no_root_key(http: httpx.Client, unkey: Unkey):
    key = unkey.key()

    answer = http.post(PROBE, headers={"Authorization": f"Bearer {key['key']}"}, json={"identity": "x"})

    assert (answer.status_code, answer.json()["error"]["detail"]) == (
        401,
        "The provided root key is invalid.",
    )


def test_a_schema_error_is_found_before_the_key_is_looked_at(http: httpx.Client):
    answer = http.post(PROBE, headers={"Authorization": "Bearer unknown"}, json={"identity": ""})

    assert refusal_of(answer).locations == ("/properties/identity/minLength",)


def test_a_limited_workspace_is_told_how_much_is_left(unkey: Unkey):
    unkey.sandbox.clock(tick=False)
    answers = [unkey.sandbox.call("identities.listIdentities", {}, "rate_three") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[3].headers["retry-after"] == answers[3].headers["ratelimit-reset"]
    assert "retry-after" not in answers[0].headers


def test_errors_of_a_limited_workspace_carry_its_headers_but_schema_errors_do_not(unkey: Unkey):
    missing = unkey.sandbox.call("identities.getIdentity", {"identity": "nobody"}, "rate_high")
    invalid = unkey.sandbox.call("identities.getIdentity", {"identity": ""}, "rate_high")

    assert missing.headers["ratelimit-limit"] == "1000"
    assert "ratelimit-limit" not in invalid.headers


def test_a_limit_of_zero_refuses_everything_without_headers(unkey: Unkey):
    answer = unkey.sandbox.call("keys.verifyKey", {"key": "x"}, "rate_zero")

    assert answer.status_code == 429
    assert not {"retry-after", "ratelimit-limit"} & set(answer.headers)


def test_a_limited_workspace_recovers_with_time(unkey: Unkey):
    unkey.sandbox.clock(tick=False)
    for _ in range(4):
        unkey.sandbox.call("identities.listIdentities", {}, "rate_three")

    unkey.sandbox.advance(120)

    assert unkey.ok("identities.listIdentities", {}, "rate_three") == []


def test_an_unlimited_workspace_has_no_rate_limit_headers(unkey: Unkey):
    answer = unkey.sandbox.call("identities.listIdentities", {})

    assert not [name for name in answer.headers if name.startswith("ratelimit")]


@pytest.mark.parametrize(("body", "kind"), [
    ({"enabled": False}, "unkey/authorization/key_disabled"),
    ({"expires": 1}, "unkey/authorization/forbidden"),
])  # fmt: skip
def test_an_unusable_customers_key_says_why_also_in_the_header(
    http: httpx.Client, unkey: Unkey, body: dict[str, Any], kind: str
):
    key = unkey.key(**body)

    answer = http.post(PROBE, headers={"Authorization": f"Bearer {key['key']}"}, json={"identity": "x"})

    assert (answer.status_code, refusal_of(answer).kind) == (403, kind)
