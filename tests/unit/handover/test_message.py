"""Messages: signed so that the standard's own library accepts them, and silent about what they carry."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from unkey_sync.clock import SECOND, SystemClock
from unkey_sync.errors import ConfigError
from unkey_sync.handover.message import Message, NewKey, decode_secret, to_message
from unkey_sync.handover.sender import backoff_s

OLD, NEW, OTHER = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2, 3))
KEY = "acme_plaintext"


def new_key(generation: int = 1, member: str = "") -> NewKey:
    return NewKey(
        handover_id="hov_1",
        subject="org|1",
        external_id="org_1",
        slot="default",
        member=member,
        key_id="key_1",
        generation=generation,
        key=KEY,
    )


def message(now: int | None = None, generation: int = 1) -> Message:
    secrets = [decode_secret(OLD), decode_secret(NEW)]
    return to_message(new_key(generation), secrets, SystemClock().now() if now is None else now)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_the_standards_own_library_accepts_it_with_either_secret(secret: str) -> None:
    said = message()

    content = Webhook(secret).verify(said.body, said.headers)

    assert content["type"] == "key.issued"
    assert content["data"] == {
        "subject": "org|1",
        "external_id": "org_1",
        "slot": "default",
        "member": None,
        "key_id": "key_1",
        "generation": 1,
        "key": KEY,
        "previous_key_ends_at": None,
    }


def test_a_notice_tells_of_the_key_without_it() -> None:
    told = replace(new_key(2), key=None, previous_ends_at=1_767_225_600 * SECOND)
    body = json.loads(to_message(told, [decode_secret(OLD)], 0).body)

    assert body["type"] == "key.rotated"
    assert "key" not in body["data"]
    assert body["data"]["waits_in"] == "vault"
    assert body["data"]["previous_key_ends_at"] == "2026-01-01T00:00:00Z"


def test_another_secret_and_a_changed_body_are_noticed() -> None:
    said = message()

    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(said.body, said.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(said.body + b" ", said.headers)


def test_attempts_share_their_id_and_differ_in_time() -> None:
    first, second = message(now=1_000 * SECOND), message(now=2_000 * SECOND)

    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "hov_1"
    assert first.headers["idempotency-key"] == "hov_1"
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.body == second.body


def test_a_later_generation_is_a_rotation() -> None:
    assert b'"key.rotated"' in message(generation=2).body


def test_no_repr_shows_the_key() -> None:
    assert KEY not in repr(new_key()) + repr(message())


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_***", "whsec_" + base64.b64encode(b"short").decode()]
)
def test_a_secret_that_cannot_sign_is_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(ConfigError) as refused:
        decode_secret(secret)

    assert len(secret) <= len("whsec_") or secret not in str(refused.value)


def test_attempts_back_off_up_to_an_hour() -> None:
    waits = [backoff_s(attempts, 1.0) for attempts in (1, 2, 3, 30, 3000)]

    assert waits == [5.0, 10.0, 20.0, 3600.0, 3600.0]
    assert backoff_s(1, 0.0) == 2.5
