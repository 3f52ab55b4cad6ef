"""The vendors' own verifiers as oracles: what they sign we accept; what they reject we reject.

Where we are stricter or milder on purpose, a test says so. The oracles read the machine's clock, so these tests do.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
import pytest
import standardwebhooks
import stripe
import svix.webhooks
from hypothesis import assume, given
from hypothesis import strategies as st
from unkey_sync.clock import SystemClock
from unkey_sync_connectors.base import Delivery, Rejected
from unkey_sync_connectors.signing import STANDARD_WEBHOOKS, STRIPE, SVIX, Verifier

from tests.unit.connectors.support import clerk, sample
from tests.unit.connectors.support import stripe as stripe_source

if TYPE_CHECKING:
    from collections.abc import Mapping

SECOND = 1_000_000
KEYS = st.binary(min_size=1, max_size=64)
BODIES = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
IDS = st.from_regex(r"[A-Za-z0-9_]{1,40}", fullmatch=True)
AGES_S = st.sampled_from([0, 1, 60, 290, -290, 310, -310, 3_600, -3_600, 10**8])


def accepts(verifier: Verifier, body: str, headers: Mapping[str, str]) -> bool:
    try:
        verifier.verify(Delivery(body.encode(), headers), SystemClock().now())
    except Rejected:
        return False
    return True


def svix_accepts(secret: str, body: str, headers: dict[str, str]) -> bool:
    try:
        svix.webhooks.Webhook(secret).verify(body, headers)
    except svix.webhooks.WebhookVerificationError:
        return False
    return True


def stripe_accepts(secret: str, body: str, header: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body.encode(), header, secret, 300)
    except stripe.SignatureVerificationError:
        return False
    return True


def seconds_ago(age_s: int) -> int:
    return SystemClock().now() // SECOND - age_s


@given(KEYS, IDS, BODIES, AGES_S)
def test_svix_and_we_agree_on_what_svix_signs(key: bytes, message_id: str, body: str, age_s: int):
    secret = "whsec_" + base64.b64encode(key).decode()
    sent = max(seconds_ago(age_s), 0)
    moment = datetime.fromtimestamp(sent, tz=UTC)
    signature = svix.webhooks.Webhook(secret).sign(message_id, moment, body)
    headers = {"svix-id": message_id, "svix-timestamp": str(sent), "svix-signature": signature}

    ours = accepts(Verifier(scheme=SVIX, secrets=(secret,)), body, headers)

    assert ours == svix_accepts(secret, body, headers) == (abs(age_s) <= 300)


@given(KEYS, BODIES)
def test_what_we_sign_the_standard_library_of_standard_webhooks_accepts(key: bytes, body: str):
    secret = "whsec_" + base64.b64encode(key).decode()
    signer = Verifier(scheme=STANDARD_WEBHOOKS, secrets=(secret,))

    headers = dict(signer.sign(body.encode(), SystemClock().now()))

    standardwebhooks.Webhook(secret).verify(body, headers, json_parse=False)


@given(
    KEYS,
    KEYS,
    BODIES,
    st.lists(st.sampled_from(["good", "other", "v2", "v1a", "short", "empty"]), max_size=5),
    st.sampled_from(["", "x"]),
)
def test_we_accept_a_list_of_signatures_exactly_when_svix_does(
    key: bytes, other: bytes, body: str, kinds: list[str], appended: str
):
    assume(key != other)
    secret, other_secret = ("whsec_" + base64.b64encode(one).decode() for one in (key, other))
    sent = datetime.fromtimestamp(seconds_ago(0), tz=UTC)
    good = svix.webhooks.Webhook(secret).sign("msg_1", sent, body)
    elements = {
        "good": good,
        "other": svix.webhooks.Webhook(other_secret).sign("msg_1", sent, body),
        "v2": "v2" + good.removeprefix("v1"),
        "v1a": "v1a" + good.removeprefix("v1"),
        "short": good[:-8],
        "empty": "v1,",
    }
    headers = {
        "svix-id": "msg_1",
        "svix-timestamp": str(int(sent.timestamp())),
        "svix-signature": " ".join(elements[kind] for kind in kinds),
    }

    ours = accepts(Verifier(scheme=SVIX, secrets=(secret,)), body + appended, headers)

    assert ours == svix_accepts(secret, body + appended, headers) == ("good" in kinds and not appended)


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1), BODIES, AGES_S)
def test_stripe_and_we_agree_on_what_stripe_signs_unless_it_is_from_the_future(
    secret: str, body: str, age_s: int
):
    header = stripe.WebhookSignature.generate_signature_header(body, secret, max(seconds_ago(age_s), 0))

    ours = accepts(Verifier(scheme=STRIPE, secrets=(secret,)), body, {"stripe-signature": header})

    assert ours == (abs(age_s) <= 300)
    assert stripe_accepts(secret, body, header) == (age_s <= 300)


@given(
    BODIES,
    st.lists(st.sampled_from(["good", "bad", "v0", "v2"]), max_size=5),
    st.sampled_from(["", "x"]),
)
def test_we_accept_a_list_of_signatures_exactly_when_stripe_does(body: str, kinds: list[str], appended: str):
    secret, sent = "whsec_unit", seconds_ago(0)
    good = stripe.WebhookSignature.generate_signature_header(body, secret, sent).partition("v1=")[2]
    elements = {"good": f"v1={good}", "bad": f"v1={good[::-1]}", "v0": f"v0={good}", "v2": f"v2={good}"}
    header = ",".join([f"t={sent}", *(elements[kind] for kind in kinds)])

    ours = accepts(Verifier(scheme=STRIPE, secrets=(secret,)), body + appended, {"stripe-signature": header})

    # A digest that reads the same backwards does not occur.
    assert ours == stripe_accepts(secret, body + appended, header) == ("good" in kinds and not appended)


@pytest.mark.parametrize("element", ["v1", "v1,a,b", "@@@"])
def test_one_bad_element_crashes_the_library_and_not_us(element: str):
    secret = "whsec_" + base64.b64encode(b"k" * 24).decode()
    sent = datetime.fromtimestamp(seconds_ago(0), tz=UTC)
    good = svix.webhooks.Webhook(secret).sign("msg_1", sent, "{}")
    headers = {
        "svix-id": "msg_1",
        "svix-timestamp": str(int(sent.timestamp())),
        "svix-signature": f"{element} {good}",
    }

    ours = accepts(Verifier(scheme=SVIX, secrets=(secret,)), "{}", headers)

    assert ours
    with pytest.raises(ValueError, match="unpack"):
        svix.webhooks.Webhook(secret).verify("{}", headers)


def test_stripes_library_reads_what_our_sample_is():
    connector = stripe_source()
    payload = sample(connector, "customer.subscription.updated")
    body = orjson.dumps(payload)
    headers = connector.sign(body, SystemClock().now())

    event = stripe.Webhook.construct_event(body, headers["stripe-signature"], connector.config.secrets[0])

    assert event.type == "customer.subscription.updated"
    assert connector.parse(Delivery(body, headers))[0].delivery_id == event.id


def test_svixs_library_accepts_what_clerks_connector_signs():
    connector = clerk()
    body = b'{"type":"user.created"}'

    headers = dict(connector.sign(body, SystemClock().now()))

    svix.webhooks.Webhook(connector.config.secrets[0]).verify(body, headers)
    assert set(headers) == {"svix-id", "svix-timestamp", "svix-signature"}
