"""The seed, the state file, the ready line, and the process itself."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from unkey_sync.errors import ConfigError
from unkey_sync.sandbox.seed import Seed, read_seed, seed_of
from unkey_sync.sandbox.server import listen
from unkey_sync.sandbox.thread import Running, in_background

EXAMPLE = Path(__file__).parents[2] / "config" / "sandbox.example.toml"


def call(running: Running, operation: str, body: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {running.made.root_keys['full']}"}
    return httpx.post(f"{running.url}/v2/{operation}", json=body, headers=headers)


def test_without_a_seed_there_is_one_root_key_that_may_do_everything():
    with in_background() as running:
        key = call(running, "keys.createKey", {"apiId": running.made.apis["main"], "externalId": "u"})

    assert key.status_code == 200
    assert set(running.made.root_keys) == {"full"}


def test_the_example_seed_can_be_read():
    seed = read_seed(EXAMPLE)

    assert {root_key.name for root_key in seed.root_keys} >= {"full"}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"workspace": []}, "workspace: Extra inputs are not permitted"),
    ({"root_keys": [{"key": "x"}]}, "root_keys[0].name: Field required"),
    ({"root_keys": [{"name": "a", "permissions": "everything"}]}, "root_keys[0].permissions"),
    ({"root_keys": [{"name": "a"}, {"name": "a"}]}, "root_keys: Value error, two entries are named 'a'"),
    (
        {"root_keys": [{"name": "a", "key": "x"}, {"name": "b", "key": "x"}]},
        "two root keys have the same key",
    ),
    ({"apis": [{"name": "a", "colour": 1}]}, "apis[0].colour: Extra inputs are not permitted"),
    ({"apis": [{"name": "a", "workspace": "ws_nobody"}]}, "ws_nobody"),
    ({"faults": [{"kind": "explode"}]}, "faults: Value error, kind: must be one of"),
    ({"nodes": -1}, "nodes: Input should be greater than or equal to 0"),
]


@pytest.mark.parametrize(("data", "message"), BAD)
def test_a_seed_that_makes_no_sense_names_the_place(data: dict[str, Any], message: str):
    with pytest.raises(ConfigError) as caught:
        seed_of(data)

    assert message in str(caught.value)


def test_a_seed_file_that_is_no_toml_or_not_there_names_the_file(tmp_path: Path):
    broken = tmp_path / "broken.toml"
    broken.write_text("[[workspaces", encoding="utf-8")

    for path in (broken, tmp_path / "missing.toml"):
        with pytest.raises(ConfigError, match=path.name):
            read_seed(path)


def test_things_without_a_workspace_are_in_the_first_one():
    with in_background(seed_of({"workspaces": [{"id": "ws_only"}]})) as running:
        api = call(running, "apis.getApi", {"apiId": running.made.apis["main"]})

    assert api.status_code == 200


def test_a_seed_can_start_with_faults_and_modes():
    seed = seed_of(
        {"faults": [{"kind": "server_error", "operation": "apis.*"}], "replica_lag_s": 60, "nodes": 2}
    )

    with in_background(seed) as running:
        codes = [call(running, "apis.createApi", {"name": "abc"}).status_code for _ in range(2)]
        shown = httpx.get(f"{running.url}/_sandbox/faults").json()

    assert codes == [500, 200]
    assert (shown["replica_lag_s"], shown["nodes"]) == (60, 2)


def test_a_state_file_brings_back_everything_but_what_was_undone(tmp_path: Path):
    file = tmp_path / "sandbox.db"
    with in_background(state_file=file) as first:
        api = first.made.apis["main"]
        kept = call(
            first, "keys.createKey", {"apiId": api, "externalId": "u", "meta": {"a": [1]}, "roles": []}
        ).json()
        gone = call(first, "keys.createKey", {"apiId": api}).json()
        call(first, "keys.deleteKey", {"keyId": gone["data"]["keyId"], "permanent": True})
        call(first, "keys.createKey", {"apiId": api, "externalId": "undone", "roles": ["nobody"]})

    with in_background(state_file=file) as second:
        rows = call(second, "apis.listKeys", {"apiId": api}).json()["data"]
        identities = call(second, "identities.listIdentities", {}).json()["data"]

    assert second.made == first.made
    assert [row["keyId"] for row in rows] == [kept["data"]["keyId"]]
    assert rows[0]["meta"] == {"a": [1]}
    assert [identity["externalId"] for identity in identities] == ["u"]


def test_a_seeded_api_that_was_deleted_stays_deleted_until_a_reset(tmp_path: Path):
    file = tmp_path / "sandbox.db"
    with in_background(state_file=file) as first:
        api = {"apiId": first.made.apis["main"]}
        call(first, "apis.deleteApi", api)

    with in_background(state_file=file) as second:
        restarted = call(second, "apis.getApi", api).status_code
        httpx.post(f"{second.url}/_sandbox/reset")
        after_reset = call(second, "apis.getApi", api).status_code

    assert (restarted, after_reset) == (404, 200)


def test_a_file_that_is_no_state_file_is_refused(tmp_path: Path):
    file = tmp_path / "notes.txt"
    file.write_text("dear diary, this is not a database" * 100, encoding="utf-8")

    with pytest.raises(ConfigError, match="not a sandbox state file"), in_background(Seed(), state_file=file):
        pass


def test_an_address_in_use_is_a_configuration_error():
    with listen("127.0.0.1", 0) as taken, pytest.raises(ConfigError, match="cannot listen"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_the_process_prints_one_ready_line_and_ends_on_a_signal(tmp_path: Path):
    command = [
        sys.executable,
        "-m",
        "unkey_sync.sandbox",
        "--seed",
        str(EXAMPLE),
        "--state",
        str(tmp_path / "s.db"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        alive = httpx.get(f"{ready['url']}/v2/liveness").status_code
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()

    assert ready["event"] == "ready"
    assert set(ready) == {"event", "url", "root_keys", "apis", "migrations"}
    assert (alive, rest) == (200, "")
