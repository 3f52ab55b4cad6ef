"""P1 by kill: which events, at which messages, and what must hold afterwards whatever was killed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.e2e.wire import When

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.deployment import Deployment
    from tests.e2e.senders import Letter, Writer
    from tests.e2e.upstream import Upstream

SOAK = os.environ.get("UNKEY_SYNC_TEST_PROFILE") == "soak"


@dataclass(frozen=True)
class Scenario:
    """One event's life. `before` has happened and is done; `limits` is what the identity holds in the end."""

    name: str
    before: Callable[[Writer, str], list[Letter]]
    event: Callable[[Writer, str], Letter]
    limits: list[int]
    keys: int = 0


SCENARIOS = (
    Scenario(
        "create",
        lambda write, user: [write.customer(user), write.subscription(user)],
        lambda write, user: write.user(user),
        [1000],
    ),
    Scenario(
        "update",
        lambda write, user: [write.user(user), write.customer(user)],
        lambda write, user: write.subscription(user),
        [1000],
    ),
    Scenario(
        "delete",
        lambda write, user: [write.user(user)],
        lambda write, user: write.user(user, "deleted"),
        [],
        keys=2,
    ),
)


def names(scenario: Scenario) -> str:
    return scenario.name


@dataclass(frozen=True)
class Point:
    """Where to kill: at message `at` of the event's life."""

    at: int
    when: When


def points(total: int, sample: int) -> list[Point]:
    """Every message, before and after it (soak); else `sample` of them, evenly spread from first to last."""
    every = [Point(at, when) for at in range(1, total + 1) for when in (When.BEFORE, When.AFTER)]
    if SOAK or sample >= len(every):
        return every
    return [every[round(i * (len(every) - 1) / (sample - 1))] for i in range(sample)]


@dataclass
class Subject:
    """One customer in one scenario, made ready before anything is killed."""

    name: str
    letter: Letter
    keys: list[str] = field(default_factory=list)


def prepare(deployment: Deployment, write: Writer, scenario: Scenario, names: Iterator[str]) -> list[Subject]:
    """Subjects for whom everything before the event is done."""
    subjects = []
    for name in names:
        deployment.send(*scenario.before(write, name))
        subjects.append(Subject(name, scenario.event(write, name)))
    deployment.settle(60)
    for subject in subjects:
        subject.keys = [deployment.upstream.make_key(subject.name) for _ in range(scenario.keys)]
    return subjects


def verdict(upstream: Upstream, scenario: Scenario, subject: Subject) -> dict[str, object]:
    """What holds for the subject now, to be compared with `wanted`."""
    return {
        "identities": len(upstream.identities(subject.name)),
        "limits": upstream.limits(subject.name),
        "created": upstream.created(subject.name),
        "keys": {upstream.verdict(key) for key in subject.keys},
    }


def wanted(scenario: Scenario) -> dict[str, object]:
    return {
        "identities": 1 if scenario.limits else 0,
        "limits": scenario.limits,
        "created": 1,
        "keys": {"NOT_FOUND"} if scenario.keys else set(),
    }


def through(url: str, port: int) -> str:
    """The same address by way of a proxy on this machine; in clear, so that messages can be told apart."""
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    plain = "sslmode=disable&gssencmode=disable" if parts.scheme.startswith("postgres") else parts.query
    return parts._replace(netloc=f"{login}{at}127.0.0.1:{port}", query=plain).geturl()


def port_of(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or {"postgresql": 5432, "redis": 6379}[parts.scheme]
