"""The systemd units: accepted by systemd, shut in, and fed their secrets as credentials.

systemd-analyze gives its opinion where it is there to ask; the directives themselves are checked everywhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from unkey_sync.settings.model import TimingSettings, WebSettings
from unkey_sync.settings.variables import ALL

from tests.architecture.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
ROLES = [unit for unit in UNITS if "migrate" not in unit]
PROGRAM = "/opt/unkey-sync/bin/unkey-sync"
MOST_EXPOSURE = 2.0
KNOWN = {variable.name for variable in ALL}
SHUT_IN = {
    "CapabilityBoundingSet": [""],
    "DynamicUser": ["yes"],
    "MemoryDenyWriteExecute": ["yes"],
    "NoNewPrivileges": ["yes"],
    "PrivateDevices": ["yes"],
    "PrivateTmp": ["yes"],
    "ProtectHome": ["yes"],
    "ProtectSystem": ["strict"],
    "RestrictAddressFamilies": ["AF_INET AF_INET6 AF_UNIX"],
    "RestrictNamespaces": ["yes"],
    "SystemCallFilter": ["@system-service", "~@privileged @resources"],
    "UMask": ["0077"],
}


def directives(name: str) -> dict[str, list[str]]:
    """Every directive of a unit with its values, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


def analyze(*arguments: str) -> subprocess.CompletedProcess[str] | None:
    """What systemd-analyze says; None where there is none."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return None
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they would stand on a machine where the program is installed."""
    program = shutil.which("true")
    for name in UNITS:
        text = (FOLDER / name).read_text(encoding="utf-8").replace(PROGRAM, str(program))
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_every_role_has_its_unit() -> None:
    commands = {name: directives(name)["ExecStart"] for name in UNITS}

    assert commands == {
        "unkey-sync-migrate.service": [f"{PROGRAM} db upgrade"],
        "unkey-sync-receiver.service": [f"{PROGRAM} serve"],
        "unkey-sync-scheduler.service": [f"{PROGRAM} scheduler"],
        "unkey-sync-worker@.service": [f"{PROGRAM} worker --processes 1"],
    }


@pytest.mark.parametrize("name", UNITS)
def test_systemd_accepts_the_unit(name: str, installed: Path) -> None:
    verdict = analyze("verify", "--man=no", "--generators=no", str(installed / name))

    if verdict is None:
        lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if line and not re.match(r"#|\[\w+\]$|[A-Z]\w+=", line)] == []
        return
    ours = [line for line in verdict.stderr.splitlines() if "unkey-sync" in line]
    assert ours == []


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_shut_in(name: str, installed: Path) -> None:
    verdict = analyze("security", "--offline=true", "--no-pager", str(installed / name))

    found = directives(name)
    assert {key: found[key] for key in SHUT_IN} == SHUT_IN
    if verdict is not None and (score := re.search(r"exposure level for \S+: ([\d.]+)", verdict.stdout)):
        assert float(score[1]) <= MOST_EXPOSURE


@pytest.mark.parametrize("name", UNITS)
def test_secrets_are_credentials_and_every_setting_exists(name: str) -> None:
    found = directives(name)
    pairs = [pair.partition("=") for line in found["Environment"] for pair in line.split()]
    credentials = {line.partition(":")[0] for line in found["LoadCredential"]}
    files = {variable: value for variable, _, value in pairs if variable.endswith("_FILE")}

    assert {value.removeprefix("%d/") for value in files.values()} == credentials
    assert {variable.removesuffix("_FILE") for variable, _, _ in pairs} - KNOWN == set()


@pytest.mark.parametrize("name", ROLES)
def test_a_role_is_stopped_politely_and_started_again_unless_its_configuration_is_wrong(name: str) -> None:
    found = directives(name)

    assert found["KillSignal"] == ["SIGTERM"]
    assert found["Restart"] == ["always"]
    assert found["RestartPreventExitStatus"] == ["2"]
    assert found["StartLimitIntervalSec"] == ["0"]
    assert "unkey-sync-migrate.service" in found["After"][0].split()


def test_a_worker_has_time_for_what_it_has_begun() -> None:
    timeout_s = int(directives("unkey-sync-worker@.service")["TimeoutStopSec"][0].removesuffix("s"))

    assert timeout_s > TimingSettings().lease_s


def test_the_receiver_has_time_for_open_requests_and_files_for_its_clients() -> None:
    found = directives("unkey-sync-receiver.service")

    assert int(found["TimeoutStopSec"][0].removesuffix("s")) > WebSettings().drain_s
    assert int(found["LimitNOFILE"][0]) > WebSettings().max_connections


def test_the_drop_in_names_settings_that_exist() -> None:
    found = directives("sources.conf")
    variables = [value.partition("=") for value in found["Environment"]]

    assert len(variables) == len(found["LoadCredential"])
    assert {variable.removesuffix("_FILE") for variable, _, _ in variables} - KNOWN == set()
