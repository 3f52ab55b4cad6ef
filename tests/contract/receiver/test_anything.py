"""Whatever a stranger or a broken sender posts, no source answers with anything but a code that it can act on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from unkey_sync.clock import SystemClock
from unkey_sync.telemetry.metrics import Metrics
from unkey_sync.web.group_commit import GroupCommit
from unkey_sync.web.hooks import HookParts, Hooks

from tests.contract.receiver.senders import senders
from tests.unit.web.support import MemoryInbox

if TYPE_CHECKING:
    from collections.abc import Mapping

SENDERS = senders()
CONNECTORS = {name: sender.connector(name) for name, sender in SENDERS.items()}
CODES = {200, 204, 400, 401, 413, 415}
LIMIT = 4_096
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
BODIES = st.binary(max_size=200) | JSON.map(orjson.dumps) | st.just(b" " * (LIMIT + 1))
NAMES = st.sampled_from(
    b"""authorization content-type content-encoding ce-id ce-type ce-source ce-specversion stripe-signature
    paddle-signature webhook-id webhook-timestamp webhook-signature x-lago-signature x-signature
    workos-signature x-keycloak-signature svix-id""".split()
)
VALUES = st.binary(max_size=60) | st.sampled_from(
    [b"application/json", b"application/cloudevents+json", b"application/cloudevents-batch+json", b"1.0"]
)


def status_of(source: str, body: bytes, headers: Mapping[bytes, bytes]) -> int:
    async def post() -> int:
        store = GroupCommit(MemoryInbox().accept, lambda: None)
        metrics = Metrics("0", "serve").receiver
        hooks = Hooks(
            HookParts(
                connectors=CONNECTORS,
                store=store,
                clock=SystemClock(),
                metrics=metrics,
                body_limit=LIMIT,
                linger_s=0,
            )
        )
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": f"/webhooks/{source}",
            "headers": [*headers.items()],
        }
        await hooks(scope, receive, send)
        await store.close()
        return int(sent[0]["status"])

    return asyncio.run(post())


@settings(max_examples=150)
@given(st.sampled_from(sorted(SENDERS)), BODIES, st.dictionaries(NAMES, VALUES, max_size=6))
def test_what_nobody_signed_is_refused(source: str, body: bytes, headers: dict[bytes, bytes]) -> None:
    assert status_of(source, body, headers) in {400, 401, 413, 415}


@settings(max_examples=150)
@given(
    st.sampled_from(sorted(set(SENDERS) - {"kinde", "lago-jwt"})),
    BODIES,
    st.dictionaries(NAMES, VALUES, max_size=3),
)
def test_what_is_signed_and_strange_is_taken_or_refused_for_good(
    source: str, body: bytes, headers: dict[bytes, bytes]
) -> None:
    signed = {name.encode(): value.encode() for name, value in SENDERS[source].headers(body).items()}

    assert status_of(source, body, {**headers, **signed}) in CODES
