"""The application without a server: as an ASGI app for httpx, and what it cannot do there."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from unkey_sync.clock import FakeClock
from unkey_sync.sandbox.app import App
from unkey_sync.sandbox.build import create_app
from unkey_sync.sandbox.delivery import ConnectionBroken
from unkey_sync.sandbox.faults import Kind, Rule
from unkey_sync.sandbox.seed import RootKeySeed, Seed

SEED = Seed(root_keys=(RootKeySeed(name="full", key="unkey_full"),))


def call(app: App, operation: str, body: object) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
            headers = {"Authorization": "Bearer unkey_full"}
            return await http.post(f"/v2/{operation}", json=body, headers=headers)

    return asyncio.run(send())


def test_the_application_answers_without_a_server():
    app = create_app(SEED, FakeClock())

    answer = call(app, "identities.createIdentity", {"externalId": "u"})

    assert answer.status_code == 200
    assert len(app.world.state.identities) == 1


def test_time_is_that_of_the_clock_it_was_given():
    clock = FakeClock()
    app = create_app(SEED, clock)
    api = call(app, "apis.createApi", {"name": "tested"}).json()["data"]["apiId"]
    key = call(app, "keys.createKey", {"apiId": api}).json()["data"]["keyId"]

    shown = call(app, "keys.getKey", {"keyId": key}).json()["data"]

    assert shown["createdAt"] == clock.now() // 1000


def test_a_connection_that_is_not_there_cannot_be_broken_quietly():
    app = create_app(SEED, FakeClock())
    app.world.faults.add(Rule(kind=Kind.DROP))

    with pytest.raises(ConnectionBroken):
        call(app, "identities.createIdentity", {"externalId": "u"})
