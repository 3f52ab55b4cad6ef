"""The image and the compose file: nothing as root, nothing writable, no secret where others can read it.

Docker is asked only for its opinion on the syntax, where it is there to ask; the rules are checked without it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from unkey_sync.settings.variables import ALL, CONFIG_VARIABLE, WEBHOOK_SECRETS

from tests.architecture.tree import ROOT, files, read

COMPOSE: dict[str, Any] = yaml.safe_load(read("deploy/compose.yaml"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"].startswith("unkey-sync:"))
KNOWN = {variable.name for variable in ALL} | {CONFIG_VARIABLE}
SECRET = {variable.name for variable in ALL if variable.name.endswith(("_KEY", "_TOKEN"))} | {
    *WEBHOOK_SECRETS.values(),
    "UNKEY_SYNC_DATABASE_URL",
}
MOUNT = "/run/secrets/"


def dockerfile() -> list[str]:
    """Instructions, continuation lines joined, comments left out."""
    text = re.sub(r"^#.*\n", "", read("deploy/Dockerfile"), flags=re.MULTILINE)
    return [line for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.strip()]


def instructions(name: str) -> list[str]:
    return [line.removeprefix(name).strip() for line in dockerfile() if line.startswith(f"{name} ")]


def commands() -> dict[str, list[str]]:
    return {name: SERVICES[name]["command"] for name in OURS}


def test_the_image_runs_as_a_user_without_rights() -> None:
    assert instructions("USER") == ["65532:65532"]


def test_the_image_starts_our_program_without_a_shell_and_stops_it_politely() -> None:
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["unkey-sync"]
    assert json.loads(instructions("CMD")[0]) == ["serve"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert instructions("HEALTHCHECK")[0].split("CMD ")[1].startswith('["python", "-c"')


def test_the_base_image_is_glibc_and_pinned_to_a_patch_release() -> None:
    image = next(line for line in instructions("ARG") if line.startswith("PYTHON_IMAGE="))

    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+", image)
    assert {line.split()[0] for line in instructions("FROM")} == {"${PYTHON_IMAGE}"}


def test_every_download_of_the_build_is_checked_against_a_hash() -> None:
    requirements = re.split(r"\n(?=\S)", read("deploy/build-requirements.txt").strip())
    installs = [line for line in instructions("RUN") if "-r" in line]

    assert len(installs) == 2
    assert all("--require-hashes" in line for line in installs)
    assert "uv export --locked --no-dev" in installs[1]
    assert all("==" in line and "--hash=sha256:" in line for line in requirements)


def test_no_secret_is_named_in_a_layer() -> None:
    layers = " ".join(instructions("ENV") + instructions("ARG") + instructions("LABEL"))

    assert [name for name in SECRET if name in layers] == []


def test_every_setting_of_the_image_exists() -> None:
    named = re.findall(r"\b(UNKEY_\w+)=", " ".join(instructions("ENV")))

    assert named
    assert set(named) - KNOWN == set()


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    allowed = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    copied = {
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    }

    assert copied == allowed
    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert "deploy/unkey-sync.toml" not in files()


def test_docker_accepts_the_compose_file() -> None:
    """Where there is no docker with compose, the tests below are what stands for it."""
    program = shutil.which("docker")
    known = program and subprocess.run([program, "compose", "version"], capture_output=True, check=False)
    if not known or known.returncode:
        assert {"services", "networks", "volumes", "configs", "secrets"} <= set(COMPOSE)
        assert all({"image", "networks", "cap_drop"} <= set(service) for service in SERVICES.values())
        return

    command = [
        str(program),
        "compose",
        "-f",
        "deploy/compose.yaml",
        "--profile",
        "sqlite",
        "config",
        "--quiet",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_has_no_rights_and_no_writable_root(name: str) -> None:
    service = SERVICES[name]

    assert service["user"].split(":")[0] not in {"root", "0"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", OURS)
def test_secrets_reach_a_role_as_files_that_are_mounted_there(name: str) -> None:
    environment = SERVICES[name]["environment"]
    from_files = {variable: path for variable, path in environment.items() if variable.endswith("_FILE")}

    assert [variable for variable in environment if variable in SECRET] == []
    assert {path.removeprefix(MOUNT) for path in from_files.values()} == set(SERVICES[name]["secrets"])


@pytest.mark.parametrize("name", OURS)
def test_every_setting_of_a_role_exists(name: str) -> None:
    named = {variable.removesuffix("_FILE") for variable in SERVICES[name]["environment"]}

    assert named - KNOWN == set()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_a_service_refers_to_is_defined(name: str) -> None:
    service = SERVICES[name]
    volumes = {volume.split(":")[0] for volume in service.get("volumes", [])}

    assert set(service["networks"]) <= set(COMPOSE["networks"])
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert {one["source"] for one in service.get("configs", [])} <= set(COMPOSE["configs"])
    assert volumes <= set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_waits_only_for_what_can_become_true(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        condition = wait["condition"]

        if condition == "service_healthy":
            assert "test" in SERVICES[other]["healthcheck"]
        else:
            assert condition == "service_completed_successfully"
            assert SERVICES[other]["restart"].startswith("on-failure")


def test_the_receiver_needs_neither_redis_nor_the_root_key() -> None:
    receiver = SERVICES["receiver"]

    assert "redis" not in receiver["depends_on"]
    assert "unkey_root_key" not in receiver["secrets"]
    assert [secret for secret in receiver["secrets"] if secret.endswith(("_api_key", "_secret_key"))] == []


def test_redis_never_evicts_and_keeps_what_it_has() -> None:
    command = " ".join(SERVICES["redis"]["command"])

    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly yes" in command


def test_the_servers_are_not_reachable_from_outside() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["inside"]
    assert [name for name in ("postgres", "redis") if "ports" in SERVICES[name]] == []


def test_every_role_has_its_service() -> None:
    started = {" ".join(command[:2]) if command[0] == "db" else command[0] for command in commands().values()}

    assert started == {"serve", "worker", "scheduler", "db upgrade", "dev"}


def test_every_image_from_elsewhere_is_pinned_to_a_release() -> None:
    images = [service["image"] for name, service in SERVICES.items() if name not in OURS]

    assert [image for image in images if not re.fullmatch(r"\w+:\d+(\.\d+)+-\w+", image)] == []
