"""scim2-tester, the protocol's own conformance suite, against a running receiver; and the receiver's door."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from scim2_client.client import BaseSyncSCIMClient
from scim2_tester import Status, check_server
from unkey_sync.deployment import deployment_of
from unkey_sync.ledger import migrate
from unkey_sync.roles.receiver import create_receiver
from unkey_sync.settings import load_settings
from unkey_sync.web.serve import Listen, Server, bind
from unkey_sync.wiring import Runtime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKENS = ("scim-token-of-last-year", "scim-token-of-this-year")
USERS = "/scim/v2/Users"


class Client(BaseSyncSCIMClient):
    """scim2-client over real HTTP."""

    def __init__(self, http: httpx.Client) -> None:
        super().__init__()
        self._http = http

    def _stays_under_base_url(self, endpoint: str) -> bool:
        return endpoint.startswith(("/", str(self._http.base_url)))

    def _parse_json(self, response: Any) -> Any:
        return response.json()

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self._http.request(method, url, **options)


@pytest.fixture
def rung() -> list[str]:
    return []


@pytest.fixture
def url(tmp_path: Path, rung: list[str]) -> Iterator[str]:
    """A receiver with one SCIM tenant on a SQLite ledger."""
    environment = {"HOME": str(tmp_path), "SCIM_BEARER_TOKEN": ",".join(TOKENS)}
    runtime = Runtime(deployment_of(load_settings(environment)))
    migrate.upgrade(runtime.ledger.engine)
    app = create_receiver(runtime, lambda: rung.append("rung"))
    yield from serving(app)
    runtime.close()


def serving(app: Any) -> Iterator[str]:
    started: list[str] = []
    ready = threading.Event()

    def on_ready(where: str) -> None:
        started.append(where)
        ready.set()

    listen = Listen(port=0)
    with bind(listen) as listener:
        server = Server(app, listen, on_ready)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        assert ready.wait(10)
        yield started[0]
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("token", TOKENS)
def test_the_conformance_suite_finds_no_error(url: str, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}

    with httpx.Client(base_url=f"{url}/scim/v2", headers=headers, timeout=30) as http:
        results = check_server(Client(http))

    wrong = [(one.status, one.title, one.reason) for one in results if one.status in _WRONG]
    assert wrong == []
    assert sum(one.status is Status.SUCCESS for one in results) > 50


_WRONG = (Status.ERROR, Status.CRITICAL)


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": ""}, {"authorization": "Basic eDp5"}],
)
def test_without_a_token_nothing_is_told(url: str, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{url}{USERS}", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/scim+json"
    assert "Resources" not in answer.json()


def test_a_bare_token_is_taken(url: str) -> None:
    assert httpx.get(f"{url}{USERS}", headers={"authorization": TOKENS[0]}).status_code == 200


def test_a_change_rings_the_bell_and_a_look_does_not(url: str, rung: list[str]) -> None:
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {TOKENS[0]}"}) as http:
        http.get(USERS)
        looked = list(rung)
        made = http.post(USERS, json={"userName": "ann"})

    assert looked == []
    assert rung == ["rung"]
    assert made.headers["location"] == f"{url}{USERS}/{made.json()['id']}"


def test_the_webhook_of_a_scim_source_refuses_everything(url: str) -> None:
    answer = httpx.post(f"{url}/webhooks/scim", json={}, headers={"authorization": f"Bearer {TOKENS[0]}"})

    assert answer.status_code == 401


def test_a_body_over_the_limit_is_refused(url: str) -> None:
    headers = {"authorization": f"Bearer {TOKENS[0]}", "content-type": "application/json"}

    limit = httpx.get(f"{url}/scim/v2/ServiceProviderConfig", headers=headers).json()["bulk"][
        "maxPayloadSize"
    ]
    for path in (USERS, "/scim/v2/Bulk"):
        answer = httpx.post(f"{url}{path}", content=b" " * (limit + 1), headers=headers)

        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/scim+json"
        assert answer.json()["status"] == "413"
        assert str(limit) in answer.json()["detail"]


def test_what_is_not_json_is_refused_unread(url: str) -> None:
    headers = {"authorization": f"Bearer {TOKENS[0]}", "content-type": "text/plain"}

    answer = httpx.post(f"{url}{USERS}", content=b"{}", headers=headers)

    assert answer.status_code == 415
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


def test_basic_with_the_token_as_password_opens_the_door(url: str) -> None:
    assert httpx.get(f"{url}{USERS}", auth=("okta", TOKENS[1])).status_code == 200
    assert httpx.get(f"{url}{USERS}", auth=(TOKENS[1], "")).status_code == 401


def test_a_bulk_over_http_rings_the_bell_once(url: str, rung: list[str]) -> None:
    made = [
        {"method": "POST", "path": "/Users", "bulkId": name, "data": {"userName": name}}
        for name in ("a", "b")
    ]

    answer = httpx.post(
        f"{url}/scim/v2/Bulk", json={"Operations": made}, headers={"authorization": f"Bearer {TOKENS[0]}"}
    )

    assert [one["status"] for one in answer.json()["Operations"]] == ["201", "201"]
    assert rung == ["rung"]
