"""Rules about rotation and unfetched keys, and the settings that a sender is made from."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from unkey_sync.clock import DAY, FakeClock
from unkey_sync.configfile import parse_document
from unkey_sync.deployment import deployment_of
from unkey_sync.errors import ConfigError
from unkey_sync.policy import Policy, read_policy
from unkey_sync.settings import load_settings
from unkey_sync.wiring import Runtime

if TYPE_CHECKING:
    from pathlib import Path

SECRET = f"whsec_{base64.b64encode(b's' * 32).decode()}"
URL = "https://app.example.com/hooks?token=hush"


def policy(text: str) -> Policy:
    return read_policy(parse_document(text.encode(), "test.toml"))


def runtime(folder: Path, **environment: str) -> Runtime:
    loaded = load_settings({"HOME": str(folder), "UNKEY_ROOT_KEY": "unkey_x", **environment})
    return Runtime(deployment_of(loaded), FakeClock())


def test_unfetched_keys_are_replaced_after_a_week_unless_the_policy_says_otherwise() -> None:
    rule = policy("").handover

    assert (rule.expires, rule.unfetched) == (7 * DAY, "rotate")


@pytest.mark.parametrize(
    ("slot", "message"),
    [
        ('rotate_every = "90d"\ndeliver = "none"', "deliver"),
        ('rotate_every = "1d"\noverlap = "1d"', "longer than"),
        ('rotate_every = "0s"', "at least"),
    ],
)
def test_a_rotation_that_cannot_work_is_refused(slot: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        policy(f'[[keys]]\nslot = "default"\n{slot}')


def test_without_a_url_there_is_upkeep_and_no_sender(tmp_path: Path) -> None:
    made = runtime(tmp_path)

    assert made.handovers()._sender is None


def test_a_url_and_a_secret_make_a_sender_and_neither_is_shown(tmp_path: Path) -> None:
    made = runtime(tmp_path, UNKEY_SYNC_HANDOVER_URL=URL, UNKEY_SYNC_HANDOVER_SECRETS=SECRET)

    assert made.handovers()._sender is not None
    assert "hush" not in repr(made.settings)
    assert SECRET not in repr(made.settings)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"UNKEY_SYNC_HANDOVER_URL": URL}, "needs a secret"),
        ({"UNKEY_SYNC_HANDOVER_URL": URL, "UNKEY_SYNC_HANDOVER_SECRETS": "short"}, "at least 24 bytes"),
        (
            {"UNKEY_SYNC_HANDOVER_URL": "https://10.0.0.1/", "UNKEY_SYNC_HANDOVER_SECRETS": SECRET},
            "not public",
        ),
    ],
)
def test_a_sender_that_cannot_work_is_refused_at_the_start(
    tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        runtime(tmp_path, **environment).handovers()
