"""The vendors' own verifiers and known vectors: what they sign we accept, what they reject we reject.

Where we are stricter or milder on purpose, a test says so. The oracles read the machine's clock, so these tests do.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

import polar.webhooks
import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st
from paddle_billing.Notifications import Secret, Verifier
from unkey_sync.clock import SystemClock
from unkey_sync_connectors.base import Connector, Delivery, Rejected
from workos.webhooks._verification import verify_header

from tests.unit.connectors.natives import HOOK_SECRET, native

SECOND = 1_000_000
BODY = '{"type":"user.created","data":{"id":"user_1","name":"Zoë"}}'.encode()
AT = 1_760_000_000
VECTOR_ID = {"webhook-id": "msg_test1", "webhook-timestamp": str(AT)}
PADDLE_HEX = "7effbb2d8f9ab355292f2fb68f161b454f203660f8563d5ae383285195fa5362"
WORKOS_HEX = "36a6a160b1ffc6a466cd523ddb8dd87e18b7c47982d712377115980d4d9325d2"
KEYCLOAK_SHA256 = "8b83c5711fd82f6cc492a30f953f6b99169751b30adfb7bc17d402606c9a8b6d"
KEYCLOAK_SHA1 = "64dbfc1b3da88ca03a18c19d7539dbfe3ce46650"
STANDARD_SECRET = "v1,whsec_dW5pdC10ZXN0LWtleS0wMTIzNDU2Nzg5YWJjZGVmISE="
STANDARD_V1 = "v1,Wl2bu2hN0Wb32/wNmM5bfOEPIdjMcKrOJ0ZiyJQnebs="
VECTORS = {
    "workos": (native("workos"), {"workos-signature": f"t={AT}123, v1={WORKOS_HEX}"}),
    "workos, no space": (native("workos"), {"workos-signature": f"t={AT}123,v1={WORKOS_HEX}"}),
    "polar": (
        native("polar"),
        {**VECTOR_ID, "webhook-signature": "v1,WwY0DEh6aCm3yOu1o/z24RJQKUNv7+6AyeycfmXWt38="},
    ),
    "paddle": (native("paddle"), {"paddle-signature": f"ts={AT};h1={PADDLE_HEX}"}),
    "lago": (native("lago"), {"x-lago-signature": "hLyYnJUDgPF9xZuAHpGhYPur1JOIM+K3+oD9ZKq4qIM="}),
    "keycloak": (native("keycloak"), {"x-keycloak-signature": KEYCLOAK_SHA256}),
    "keycloak, SHA-1": (
        native("keycloak", secrets=("sha1:kc_unit",)),
        {"x-keycloak-signature": KEYCLOAK_SHA1},
    ),
    "supabase": (
        native("supabase", secrets=(STANDARD_SECRET,)),
        {**VECTOR_ID, "webhook-signature": STANDARD_V1},
    ),
}
BODIES = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
AGES_S = st.sampled_from([0, 1, 60, 170, -170, 190, -190, 310, -310, 3_600, 10**8])
SECRETS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=40)


@dataclass(slots=True)
class Request:
    """What Paddle's verifier takes."""

    body: bytes
    headers: dict[str, str]


def now_s() -> int:
    return SystemClock().now() // SECOND


def accepts(connector: Connector, body: bytes, headers: dict[str, str]) -> bool:
    try:
        connector.verify(Delivery(body, headers), SystemClock().now())
    except Rejected:
        return False
    return True


@pytest.mark.parametrize("name", VECTORS)
def test_a_published_vector_is_accepted_and_one_changed_byte_is_not(name: str):
    connector, headers = VECTORS[name]

    connector.verify(Delivery(BODY, headers), AT * SECOND)

    with pytest.raises(Rejected, match="no_match"):
        connector.verify(Delivery(BODY.replace(b"user_1", b"user_2"), headers), AT * SECOND)


def workos_accepts(secret: str, body: bytes, header: str) -> bool:
    try:
        verify_header(event_body=body, event_signature=header, secret=secret)
    except ValueError:
        return False
    return True


def polar_accepts(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        polar.webhooks._verify_signature(body.decode(), headers, secret)
    except polar.webhooks.PolarWebhookVerificationError:
        return False
    return True


def paddle_accepts(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    request = Request(body, {"Paddle-Signature": headers["paddle-signature"]})
    return bool(Verifier(300).verify(request, Secret(secret)))


@given(SECRETS, BODIES, AGES_S, st.sampled_from(["", "x"]))
def test_workos_and_we_agree(secret: str, body: str, age_s: int, appended: str):
    connector = native("workos", secrets=(secret,))
    headers = dict(connector.sign(body.encode(), SystemClock().now() - age_s * SECOND))
    received = (body + appended).encode()

    ours = accepts(connector, received, headers)

    header = headers["workos-signature"].replace(",v1", ", v1")
    assert ours == workos_accepts(secret, received, header) == (abs(age_s) <= 180 and not appended)


def test_seconds_where_workos_writes_milliseconds_are_stale_for_both():
    secret, sent = "workos_unit", now_s()
    signature = hmac.new(secret.encode(), f"{sent}.{{}}".encode(), hashlib.sha256).hexdigest()
    header = f"t={sent}, v1={signature}"

    with pytest.raises(Rejected, match="too_old"):
        native("workos").verify(Delivery(b"{}", {"workos-signature": header}), SystemClock().now())
    assert not workos_accepts(secret, b"{}", header)


def test_a_workos_time_in_words_is_rejected():
    header = "t=2026-01-01T00:00:00.000Z, v1=00"

    with pytest.raises(Rejected, match="too_old"):
        native("workos").verify(Delivery(b"{}", {"workos-signature": header}), 1_767_225_600 * SECOND)


@given(SECRETS, st.booleans(), BODIES, AGES_S, st.sampled_from(["", "x"]))
def test_polar_and_we_agree(secret: str, prefixed: bool, body: str, age_s: int, appended: str):
    secret = f"whsec_{secret}" if prefixed else secret
    connector = native("polar", secrets=(secret,))
    headers = dict(connector.sign(body.encode(), SystemClock().now() - age_s * SECOND))
    received = (body + appended).encode()

    ours = accepts(connector, received, headers)

    assert ours == polar_accepts(secret, received, headers) == (abs(age_s) <= 300 and not appended)


@given(st.binary(min_size=1, max_size=40), BODIES)
def test_a_polar_secret_may_also_be_meant_as_base64(key: bytes, body: str):
    secret = "whsec_" + base64.b64encode(key).decode()
    at_s = now_s()  # once: the second may end between two looks
    signature = standardwebhooks.Webhook(secret).sign("msg_1", datetime.fromtimestamp(at_s, tz=UTC), body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(at_s), "webhook-signature": signature}

    ours = accepts(native("polar", secrets=(secret,)), body.encode(), headers)

    assert ours == polar_accepts(secret, body.encode(), headers)
    assert ours


@given(SECRETS, BODIES, AGES_S, st.sampled_from(["", "x"]))
def test_paddle_and_we_agree(secret: str, body: str, age_s: int, appended: str):
    connector = native("paddle", secrets=(secret,))
    headers = dict(connector.sign(body.encode(), SystemClock().now() - age_s * SECOND))
    received = (body + appended).encode()

    ours = accepts(connector, received, headers)

    assert ours == paddle_accepts(secret, received, headers) == (abs(age_s) <= 300 and not appended)


def test_paddles_library_breaks_on_an_unknown_key_and_we_pass_over_it():
    connector = native("paddle")
    header = connector.sign(b"{}", SystemClock().now())["paddle-signature"] + ";h2=00"

    ours = accepts(connector, b"{}", {"paddle-signature": header})

    assert ours
    with pytest.raises(ValueError, match="Unrecognized"):
        paddle_accepts("pdl_ntfset_unit", b"{}", {"paddle-signature": header})


def test_two_paddle_signatures_stand_side_by_side_while_a_secret_rolls():
    sent = SystemClock().now()
    new = native("paddle", secrets=("new",)).sign(b"{}", sent)["paddle-signature"]
    old = native("paddle", secrets=("old",)).sign(b"{}", sent)["paddle-signature"]
    headers = {"paddle-signature": f"{old};{new.partition(';')[2]}"}

    for secret in ("old", "new"):
        assert accepts(native("paddle", secrets=(secret,)), b"{}", headers)
        assert paddle_accepts(secret, b"{}", headers)


def test_supabases_library_signs_what_we_accept_with_two_secrets_joined_its_way():
    hook = native("supabase", secrets=(f"v1,{HOOK_SECRET}|{STANDARD_SECRET}",))
    other = standardwebhooks.Webhook("whsec_" + base64.b64encode(b"other").decode())
    mine = standardwebhooks.Webhook(HOOK_SECRET)
    signatures = [one.sign("msg_1", datetime.fromtimestamp(now_s(), tz=UTC), "{}") for one in (other, mine)]
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now_s()),
        "webhook-signature": ", ".join(signatures),
    }

    assert accepts(hook, b"{}", headers)
    assert not accepts(hook, b"{} ", headers)
