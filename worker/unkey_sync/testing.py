"""pytest fixtures for the tests of whoever uses unkey-sync: a sandbox instead of Unkey.

Say `pytest_plugins = ["unkey_sync.testing"]` in a conftest and ask for `unkey_sandbox`. Override the fixture
`unkey_sandbox_seed` to start with other workspaces, root keys or APIs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from unkey_sync.sandbox.seed import Seed
from unkey_sync.sandbox.thread import in_background

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class UnkeySandbox:
    """A running sandbox. `root_keys` (texts), `apis` and `migrations` (ids) are by the names of the seed."""

    url: str
    root_keys: Mapping[str, str] = field(repr=False)
    apis: Mapping[str, str]
    migrations: Mapping[str, str]
    _http: httpx.Client = field(repr=False)

    def call(self, operation: str, body: Any, root_key: str = "full") -> httpx.Response:
        """One call of Unkey's API, e.g. `call("identities.getIdentity", {"identity": "user_1"})`."""
        headers = {"Authorization": f"Bearer {self.root_keys[root_key]}"}
        return self._http.post(f"/v2/{operation}", json=body, headers=headers)

    def fault(self, kind: str, operation: str = "*", **options: Any) -> None:
        """The next call of this operation misbehaves; options as in `docs/sandbox.md`."""
        self._control("POST", "faults", {"kind": kind, "operation": operation, **options})

    def modes(self, **modes: Any) -> None:
        """Switch on replica lag (`replica_lag_s`), nodes with caches (`nodes`), or seed the faults (`seed`)."""
        self._control("POST", "faults", modes)

    def heal(self) -> None:
        """No faults, no lag, no nodes from now on."""
        self._control("DELETE", "faults")

    def advance(self, seconds: float) -> None:
        self._control("POST", "clock", {"advance_s": seconds})

    def clock(self, **change: Any) -> dict[str, Any]:
        """Move or stop the sandbox's clock: `to="refill"`, `to="expiry"`, `set=...`, `tick=False`."""
        shown: dict[str, Any] = self._control("POST", "clock", change)
        return shown

    def state(self) -> dict[str, Any]:
        """Everything the sandbox holds, secrets excluded; a list of rows per table."""
        state: dict[str, Any] = self._control("GET", "state")
        return state

    def history(self, operation: str | None = None) -> list[dict[str, Any]]:
        """The calls so far, oldest first; of one operation, if named."""
        calls: list[dict[str, Any]] = self._control("GET", "history")["calls"]
        return [call for call in calls if operation in (None, call["operation"])]

    def reset(self) -> None:
        """Back to the seed."""
        self._control("POST", "reset")

    def _control(self, method: str, action: str, body: Any = None) -> Any:
        answer = self._http.request(method, f"/_sandbox/{action}", json=body)
        if answer.status_code != 200:
            raise ValueError(answer.json()["error"])
        return answer.json()


@pytest.fixture(scope="session")
def unkey_sandbox_seed() -> Seed:
    """One workspace, the root key `full`, the API `main`."""
    return Seed()


@pytest.fixture(scope="session")
def unkey_sandbox_server(unkey_sandbox_seed: Seed) -> Iterator[UnkeySandbox]:
    """The sandbox of this process; tests ask for `unkey_sandbox`, which is empty each time."""
    with in_background(unkey_sandbox_seed) as running, httpx.Client(base_url=running.url, timeout=30) as http:
        made = running.made
        yield UnkeySandbox(running.url, made.root_keys, made.apis, made.migrations, http)


@pytest.fixture
def unkey_sandbox(unkey_sandbox_server: UnkeySandbox) -> UnkeySandbox:
    """A sandbox as its seed says, without anything that other tests left."""
    unkey_sandbox_server.reset()
    return unkey_sandbox_server
