"""Without its database the service says "come back later" and nothing else; with it, it goes on by itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.killing import port_of, through
from tests.e2e.processes import eventually
from tests.e2e.wire import PostgreSQL, Proxy, Strike, Watch, When

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.deployment import Deployment
    from tests.e2e.processes import Program
    from tests.e2e.senders import Letter, Writer
    from tests.e2e.upstream import Upstream

BACK_S = 15.0
PLACES = [(role, when) for role in ("serve", "worker") for when in (When.BEFORE, When.AFTER)]
DATABASE = "UNKEY_SYNC_DATABASE_URL"


class Line:
    """One role's way to the database."""

    def __init__(self, database: str) -> None:
        self.watch = Watch()
        self.proxy = Proxy(port_of(database), PostgreSQL, self.watch)
        self.url = through(database, self.proxy.port)


@pytest.fixture(scope="module")
def lines(database: str) -> Iterator[dict[str, Line]]:
    made = {"serve": Line(database), "worker": Line(database)}
    yield made
    for line in made.values():
        line.proxy.close()


@pytest.fixture(scope="module")
def live(deployment: Deployment, lines: dict[str, Line]) -> Iterator[Deployment]:
    receiver = deployment.serve(**{DATABASE: lines["serve"].url})
    worker = deployment.start("worker", **{DATABASE: lines["worker"].url})
    eventually(lambda: "pg P UPDATE" in lines["worker"].watch.seen, "a worker that claims")
    yield deployment
    stopped(receiver, worker)


def stopped(*programs: Program) -> None:
    """Before their lines go: a role exits with 0 when told to stop."""
    assert [program.stop() for program in programs] == [0] * len(programs)


def deliver_until_taken(live: Deployment, letter: Letter) -> float:
    """What a sender does: deliver again until it is acknowledged; the seconds that took."""
    return eventually(lambda: live.post.deliver(letter).status_code == 200, "an acknowledgement", BACK_S, 0.2)


def test_a_lost_database_is_answered_with_come_back_later(
    live: Deployment, lines: dict[str, Line], write: Writer, upstream: Upstream
) -> None:
    early, late = write.user("user_early"), write.user("user_late")
    live.send(early)
    for line in lines.values():
        line.proxy.cut()

    began = time.monotonic()
    refused = live.post.deliver(late)
    took_s = time.monotonic() - began
    probes = {path: live.post.get(path).status_code for path in ("/readyz", "/healthz", "/metrics")}
    for line in lines.values():
        line.proxy.open()
    deliver_until_taken(live, late)
    live.settle(BACK_S)

    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert took_s < 6
    assert probes == {"/readyz": 503, "/healthz": 200, "/metrics": 200}
    assert upstream.limits("user_early") == upstream.limits("user_late") == [100]
    assert (upstream.created("user_early"), upstream.created("user_late")) == (1, 1)
    assert eventually(lambda: live.post.get("/readyz").status_code == 200, "readiness") < BACK_S


@pytest.mark.parametrize("place", PLACES)
def test_a_line_that_breaks_at_commit_is_a_commit_or_none_and_never_two(
    place: tuple[str, When], live: Deployment, lines: dict[str, Line], write: Writer, upstream: Upstream
) -> None:
    role, when = place
    user = f"user_{role}_{when}"
    letter = write.user(user)
    lines[role].watch.aim(Strike(None, 1, when, "pg Q COMMIT"))

    deliver_until_taken(live, letter)
    eventually(lambda: lines[role].watch.struck is not None, "a broken line")
    live.settle(BACK_S)

    assert lines[role].watch.struck == "pg Q COMMIT"
    assert (upstream.limits(user), upstream.created(user)) == ([100], 1)
    assert live.parked() == []
    assert live.counts().get("parked", 0) == 0
