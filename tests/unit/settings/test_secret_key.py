"""The key for secrets at rest: configured, or made exactly once however many roles start together."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from unkey_sync.errors import ConfigError
from unkey_sync.settings import load_secret_keys, load_settings

if TYPE_CHECKING:
    from pathlib import Path


def settings(folder: Path, **environment: str):
    return load_settings({"HOME": "/", "UNKEY_SYNC_STATE_DIR": str(folder), **environment}).settings


def encoded(byte: int) -> str:
    return base64.b64encode(bytes([byte] * 32)).decode()


def test_configured_keys_are_used_in_their_order_and_nothing_is_written(tmp_path):
    keys = load_secret_keys(settings(tmp_path / "state", UNKEY_SYNC_SECRET_KEY=f"{encoded(1)},{encoded(2)}"))

    assert keys == (bytes([1] * 32), bytes([2] * 32))
    assert not (tmp_path / "state").exists()


def test_a_missing_key_is_made_once_for_the_owner_alone(tmp_path):
    first = load_secret_keys(settings(tmp_path / "state"))
    second = load_secret_keys(settings(tmp_path / "state"))

    assert first == second
    assert len(first[0]) == 32
    assert stat.S_IMODE((tmp_path / "state" / "secret-key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_roles_that_start_together_agree_on_one_key(tmp_path):
    state = settings(tmp_path / "state")

    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda _: load_secret_keys(state), range(64)))

    assert len(set(keys)) == 1
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["secret-key"]


def test_a_key_that_others_may_read_is_refused(tmp_path):
    load_secret_keys(settings(tmp_path))
    (tmp_path / "secret-key").chmod(0o640)

    with pytest.raises(ConfigError, match="chmod 600"):
        load_secret_keys(settings(tmp_path))


def test_a_damaged_key_is_never_replaced(tmp_path):
    path = tmp_path / "secret-key"
    path.write_text("rubbish", encoding="ascii")
    path.chmod(0o600)

    with pytest.raises(ConfigError, match="backup") as caught:
        load_secret_keys(settings(tmp_path))

    assert "rubbish" not in str(caught.value)
    assert path.read_text(encoding="ascii") == "rubbish"


def test_a_state_folder_that_cannot_be_made_is_a_configuration_error(tmp_path):
    (tmp_path / "file").write_text("", encoding="ascii")

    with pytest.raises(ConfigError, match="UNKEY_SYNC_SECRET_KEY"):
        load_secret_keys(settings(tmp_path / "file" / "state"))
