"""Others' own verifiers as oracles: what they sign we accept, what we sign they accept.

The oracles read the machine's clock, so these tests do.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st
from unkey_sync.clock import SystemClock

from tests.unit.connectors.generic.support import generic, rejection

SECOND = 1_000_000
KEYS = st.binary(min_size=1, max_size=64)
BODIES = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
IDS = st.from_regex(r"[A-Za-z0-9_]{1,40}", fullmatch=True)
AGES_S = st.sampled_from([0, 1, 60, 290, -290, 310, -310, 3_600, 10**8])


def oracle_accepts(secret: str, body: str, headers: dict[str, str]) -> bool:
    try:
        standardwebhooks.Webhook(secret).verify(body, headers, json_parse=False)
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


@given(KEYS, IDS, BODIES, AGES_S, st.sampled_from(["", "x"]))
def test_standardwebhooks_and_we_agree(key: bytes, message_id: str, body: str, age_s: int, appended: str):
    secret = "whsec_" + base64.b64encode(key).decode()
    now = SystemClock().now()
    sent = datetime.fromtimestamp(now // SECOND - age_s, tz=UTC)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent.timestamp())),
        "webhook-signature": standardwebhooks.Webhook(secret).sign(message_id, sent, body),
    }
    source = generic({"preset": "standard-webhooks"}, secret)

    ours = rejection(source, (body + appended).encode(), headers, now) is None

    assert ours == oracle_accepts(secret, body + appended, headers) == (abs(age_s) <= 300 and not appended)


@given(KEYS, BODIES)
def test_what_we_sign_standardwebhooks_accepts(key: bytes, body: str):
    secret = "whsec_" + base64.b64encode(key).decode()

    headers = generic({"preset": "better-auth"}, secret).sign(body.encode(), SystemClock().now())

    assert oracle_accepts(secret, body, dict(headers))
