"""SCIM is served where a SCIM source has a token, and a missing extra is said at the start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from unkey_sync.clock import FakeClock
from unkey_sync.deployment import deployment_of
from unkey_sync.errors import ConfigError
from unkey_sync.scim.mount import scim_routes
from unkey_sync.settings import load_settings
from unkey_sync.wiring import Runtime


def ring() -> None:
    """Nobody listens."""


def runtime(tmp_path: Path, **environment: str) -> Runtime:
    return Runtime(deployment_of(load_settings({"HOME": str(tmp_path), **environment})), FakeClock())


def missing(name: str) -> ModuleType:
    raise ModuleNotFoundError(f"No module named {name}", name="scim2_models")


def broken(name: str) -> ModuleType:
    raise ModuleNotFoundError(f"No module named {name}", name="orjson")


def test_without_a_scim_source_nothing_is_mounted_or_loaded(tmp_path: Path):
    routes = scim_routes(runtime(tmp_path, STRIPE_WEBHOOK_SECRET="whsec_x"), ring, missing)

    assert list(routes) == []


def test_a_missing_extra_is_a_configuration_error_with_the_remedy(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"source scim needs .* pip install 'unkey-sync\[scim\]'"):
        scim_routes(runtime(tmp_path, SCIM_BEARER_TOKEN="t"), ring, missing)


def test_another_missing_module_is_not_taken_for_the_extra(tmp_path: Path):
    with pytest.raises(ModuleNotFoundError):
        scim_routes(runtime(tmp_path, SCIM_BEARER_TOKEN="t"), ring, broken)


@pytest.mark.parametrize("unneeded", ["scim2_models", "alembic"])
def test_a_receiver_does_not_load_what_it_does_not_need(unneeded: str):
    script = f"import sys, unkey_sync.roles.receiver; print({unneeded!r} in sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
