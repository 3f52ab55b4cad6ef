"""Real webhooks in, real HTTP calls out: what a customer's life does to Unkey, read back by the official SDK."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.processes import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.deployment import Deployment
    from tests.e2e.senders import Writer
    from tests.e2e.upstream import Upstream

FREE, PRO, SCALE = [100], [1000], [5000]


@pytest.fixture(scope="module")
def live(deployment: Deployment) -> Deployment:
    """Receiver and worker, on PostgreSQL and Redis."""
    deployment.serve()
    deployment.start("worker")
    return deployment


def test_a_sign_up_gets_an_identity_on_the_default_plan(live: Deployment, write: Writer, upstream: Upstream) -> None:
    live.send(write.user("user_ann"))

    live.cli("drain", "--timeout", "30")

    assert upstream.limits("user_ann") == FREE
    assert upstream.created("user_ann") == 1
