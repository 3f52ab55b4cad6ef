"""Root key and created keys are seen by nobody who does not ask for them by name."""

from __future__ import annotations

import json
import logging
import pickle
import traceback

import httpx
import pytest
from unkey_sync.errors import ConfigError, SyncError
from unkey_sync.unkey import NewKey, SecretText

from tests.unit.unkey.parts import ROOT_KEY, Script, client, config, failure, success

SECRET = "acme_canary_plaintext"


def test_a_secret_is_hidden_everywhere_and_revealed_on_request() -> None:
    secret = SecretText(SECRET)

    shown = f"{secret!r} {secret} {secret!s} {[secret]} {(secret,)}"

    assert SECRET not in shown
    assert secret.reveal() == SECRET


def test_a_secret_enters_neither_a_pickle_nor_json() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(SecretText(SECRET))
    with pytest.raises(TypeError):
        json.dumps(SecretText(SECRET))


def test_secrets_compare_by_their_text() -> None:
    assert SecretText("a") == SecretText("a")
    assert SecretText("a") != SecretText("b")
    assert SecretText("a") != "a"
    assert len({SecretText("a"), SecretText("a")}) == 1
    assert not SecretText("")


def test_no_part_of_the_client_shows_a_secret() -> None:
    unkey = client(Script([success({"keyId": "key_1", "key": SECRET})]))

    created = unkey.keys.create(NewKey(external_id="user_1"))

    shown = f"{unkey!r} {unkey.keys!r} {unkey._session!r} {config()!r} {created!r} {created}"
    assert ROOT_KEY not in shown
    assert SECRET not in shown
    assert created.key.reveal() == SECRET


@pytest.mark.parametrize(
    "step",
    [
        failure(401, "unkey/authentication/key_not_found"),
        failure(400, "unkey/application/invalid_input", errors=[{"location": f"/x {SECRET}"}]),
        success({"keyId": "", "key": SECRET}),
        success({"keyId": SECRET, "key": [SECRET]}),
        httpx.Response(200, text=SECRET),
        httpx.Response(500, text=SECRET),
        httpx.LocalProtocolError(f"Illegal header value {ROOT_KEY}"),
        httpx.ReadError(SECRET),
    ],
    ids=range(8),
)
def test_no_error_or_log_quotes_a_secret(
    step: httpx.Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    with pytest.raises(SyncError) as caught:
        client(Script([step])).keys.create(NewKey(external_id="user_1", meta={"m": SECRET}))

    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value)) + caplog.text
    assert SECRET not in shown
    assert ROOT_KEY not in shown


@pytest.mark.parametrize("root_key", ["", "with blank", "line\nbreak", "ümlaut", "x" * 513])
def test_a_root_key_that_cannot_be_a_header_is_refused_without_being_quoted(root_key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(root_key=SecretText(root_key))

    assert root_key not in str(caught.value) or root_key == ""


@pytest.mark.parametrize(
    "changes",
    [{"base_url": "api.unkey.com"}, {"base_url": "https://u:p@x"}, {"page_size": 0}, {"attempts": 0}],
)
def test_a_configuration_that_cannot_work_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        config(**changes)
