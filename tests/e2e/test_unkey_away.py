"""Unkey fails, asks for a pause or loses answers: calls stop politely, nothing is parked, all converges."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.killing import SOAK
from tests.e2e.processes import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.deployment import Deployment
    from tests.e2e.senders import Writer
    from tests.e2e.upstream import Upstream

N = 200 if SOAK else 20
AWAY_S = 4.0


@pytest.fixture(scope="module")
def live(deployment: Deployment) -> Deployment:
    deployment.serve()
    deployment.start("worker")
    return deployment


@pytest.fixture
def healed(upstream: Upstream) -> Iterator[Upstream]:
    yield upstream
    upstream.heal()


def users(what: str, count: int = N) -> list[str]:
    return [f"user_{what}_{number}" for number in range(count)]


def circuit(live: Deployment) -> str:
    """As `status` tells it: the worker's circuit, shared through Redis."""
    return str(live.json("status")["unkey"]["circuit"])


def assert_nothing_parked(live: Deployment) -> None:
    assert live.parked() == []
    assert live.counts().get("parked", 0) == 0


def hits(upstream: Upstream, fault: str, operation: str = "") -> list[dict[str, Any]]:
    return [call for call in upstream.calls(operation) if call["fault"] == fault]


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_an_answer_lost_after_the_commit_is_no_second_effect(
    how: str, live: Deployment, write: Writer, healed: Upstream
) -> None:
    names = users(f"lost_{how}", N // 2)
    for operation in ("identities.createIdentity", "identities.updateIdentity", "identities.deleteIdentity"):
        healed.fault(kind="drop", how=how, when="after", operation=operation, times=len(names))
    before = len(hits(healed, "drop"))

    live.send(*[write.user(name) for name in names])
    live.settle(60)
    made = [(healed.created(name), len(healed.identities(name)), healed.limits(name)) for name in names]
    live.send(*[letter for name in names for letter in (write.customer(name), write.subscription(name))])
    live.settle(60)
    paid = [healed.limits(name) for name in names]
    live.send(*[write.user(name, "deleted") for name in names])
    live.settle(60)

    assert len(hits(healed, "drop")) - before == 3 * len(names)
    assert made == [(1, 1, [100])] * len(names)
    assert paid == [[1000]] * len(names)
    assert [healed.identity(name) for name in names] == [None] * len(names)
    assert [healed.created(name) for name in names] == [1] * len(names)
    assert_nothing_parked(live)


def test_while_unkey_fails_for_everybody_only_probes_go_out(
    live: Deployment, write: Writer, healed: Upstream
) -> None:
    names = users("failing")
    healed.fault(kind="server_error", status=500, times=None)

    live.send(*[write.user(name) for name in names])
    eventually(lambda: circuit(live) in ("open", "half_open"), "an open circuit", 15)
    before = len(healed.calls())
    time.sleep(AWAY_S)
    probes = len(healed.calls()) - before
    ready = live.post.get("/readyz").status_code
    healed.heal()
    took_s = live.settle(30)

    assert 1 <= probes <= AWAY_S * 2
    assert ready == 200
    assert took_s < 20
    assert [healed.limits(name) for name in names] == [[100]] * N
    assert circuit(live) == "closed"
    assert_nothing_parked(live)


def test_a_pause_that_unkey_asks_for_is_kept_by_everybody(
    live: Deployment, write: Writer, healed: Upstream
) -> None:
    names = users("paused")
    healed.fault(kind="rate_limited", retry_after_s=3, operation="identities.createIdentity", times=1)

    live.send(write.user(names[0]))
    eventually(lambda: bool(hits(healed, "rate_limited")), "a pause")
    live.send(*[write.user(name) for name in names[1:]])
    live.settle(30)

    (asked,) = hits(healed, "rate_limited")
    after = [call["at"] for call in healed.calls() if call["at"] > asked["at"]]
    assert min(after) - asked["at"] >= 3_000
    assert [healed.limits(name) for name in names] == [[100]] * N
    assert circuit(live) == "closed"
    assert_nothing_parked(live)
