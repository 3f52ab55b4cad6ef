"""Scripted misbehaviour: which call is hit, how, and how often. Decides only; `delivery.py` carries it out.

A rule fires `times` times after letting `skip` calls pass, or with `probability` drawn from a seeded
generator, so that a test repeats exactly.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Kind(StrEnum):
    LATENCY = "latency"
    """`delay_s` of waiting, then the normal course."""
    RATE_LIMITED = "rate_limited"
    """429 with `retry_after_s` (None: without the header)."""
    SERVER_ERROR = "server_error"
    """`status` with Unkey's error body."""
    DROP = "drop"
    """The connection ends without an answer: `how` is `rst` or `fin`."""
    HANG = "hang"
    """No answer, ever; the client must give up."""
    TRUNCATE = "truncate"
    """Half of the answer, then the connection ends."""
    NOT_JSON = "not_json"
    """A body that is no JSON, said to be JSON, with `status`."""
    HTML = "html"
    """A proxy's error page, with `status`."""
    WRONG_TYPE = "wrong_type"
    """Well-formed JSON of an unexpected shape: a list where an object belongs."""


class When(StrEnum):
    BEFORE = "before"
    """The server never gets to work on the call."""
    AFTER = "after"
    """The call has been done and committed."""


E = TypeVar("E", bound=StrEnum)


class BadRule(ValueError):  # noqa: N818
    """A fault that cannot be understood; the text names the field."""


@dataclass(slots=True, kw_only=True)
class Rule:
    """`operation`: a name or a pattern (`keys.*`). `times` None: without end.

    `status` as sent to the client.
    """

    kind: Kind
    operation: str = "*"
    when: When = When.BEFORE
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    root_key: str | None = None
    delay_s: float = 0.0
    status: int = 500
    retry_after_s: int | None = 1
    how: str = "rst"

    def __post_init__(self) -> None:
        self.kind = _member(Kind, "kind", self.kind)
        self.when = _member(When, "when", self.when)
        if self.how not in ("rst", "fin"):
            raise BadRule("how: must be 'rst' or 'fin'")
        for name in ("times", "skip", "probability", "delay_s", "status", "retry_after_s"):
            _require_number(name, getattr(self, name), optional=name in ("times", "retry_after_s"))

    def fits(self, operation: str, root_key: str | None) -> bool:
        return fnmatchcase(operation, self.operation) and self.root_key in (None, root_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """How a sandbox misbehaves from the start and after a reset."""

    rules: Sequence[Rule] = ()
    seed: int = 0
    replica_lag_s: float = 0
    nodes: int = 0


class Faults:
    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._random = random.Random(0)  # noqa: S311 - repeatability, not secrecy

    def add(self, rule: Rule) -> None:
        self.rules.append(rule)

    def reseed(self, seed: int) -> None:
        self._random.seed(seed)

    def restart(self, modes: Modes) -> None:
        """The rules of `modes` only, each with its full count."""
        self.rules = [replace(rule) for rule in modes.rules]
        self.reseed(modes.seed)

    def pick(self, operation: str, root_key: str | None) -> Sequence[Rule]:
        """The rules that hit this call: all fitting latencies, and at most one fault that ends it."""
        picked: list[Rule] = []
        for rule in self.rules:
            ended = any(hit.kind is not Kind.LATENCY for hit in picked)
            if (
                rule.fits(operation, root_key)
                and not (ended and rule.kind is not Kind.LATENCY)
                and self._fires(rule)
            ):
                picked.append(rule)
        return picked

    def _fires(self, rule: Rule) -> bool:
        if rule.times == 0:
            return False
        if rule.skip:
            rule.skip -= 1
            return False
        if rule.probability < 1 and self._random.random() >= rule.probability:
            return False
        if rule.times is not None:
            rule.times -= 1
        return True


def rule_of(data: Mapping[str, Any]) -> Rule:
    """A rule from JSON or TOML. Raises `BadRule`."""
    known = {field.name for field in fields(Rule)}
    foreign = sorted(set(data) - known)
    if foreign:
        raise BadRule(f"{foreign[0]}: unknown field; known are {', '.join(sorted(known))}")
    if "kind" not in data:
        raise BadRule("kind: is required")
    return Rule(**data)


def _require_number(name: str, value: Any, *, optional: bool) -> None:
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadRule(f"{name}: must be a number, 0 or more")


def _member(kind: type[E], name: str, value: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise BadRule(f"{name}: must be one of {', '.join(kind)}") from None
