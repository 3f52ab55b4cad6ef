"""Dotted paths into what a delivery carries: `data.items[0].price`, `roles[type=main].id`, `@header.x-id`.

A path finds a value or finds nothing; it never fails. No wildcards, no filters beyond equality, no recursion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unkey_sync_connectors.base import Unusable

MAX_STEPS = 20_000
"""What reading one delivery may cost, in terms evaluated and list elements looked at. About 20 ms."""
MAX_LENGTH = 500
"""Longest path, in characters."""

_NAME = r"[A-Za-z0-9_$:/+-]+"
_PART = re.compile(rf'@?{_NAME}|"[^"]+"')
_SELECTOR = re.compile(rf'\[(?:(-?[0-9]{{1,6}})|({_NAME})=(?:"([^"]*)"|([^\]"]*)))\]')


class BadPath(ValueError):  # noqa: N818
    """Not a path. The message says what is expected."""


@dataclass(slots=True)
class Budget:
    """What is left of MAX_STEPS. One per delivery."""

    left: int = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Raises Unusable when nothing is left."""
        self.left -= steps
        if self.left < 0:
            raise Unusable("the rules need too many steps for this delivery")


@dataclass(frozen=True, slots=True)
class Scope:
    """What paths read: the document, the headers (lower case), the event's type, the element in `each`."""

    document: Any = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    budget: Budget
    type: str = ""
    item: Any = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class _Key:
    name: str

    def step(self, value: Any, _budget: Budget) -> Any:
        return value.get(self.name) if isinstance(value, Mapping) else None


@dataclass(frozen=True, slots=True)
class _Index:
    number: int

    def step(self, value: Any, _budget: Budget) -> Any:
        inside = isinstance(value, list) and -len(value) <= self.number < len(value)
        return value[self.number] if inside else None


@dataclass(frozen=True, slots=True)
class _Where:
    name: str
    wanted: str

    def step(self, value: Any, budget: Budget) -> Any:
        """The first object in the list whose field is this text, or this number, written as one."""
        if not isinstance(value, list):
            return None
        for element in value:
            budget.spend(1)
            if isinstance(element, dict) and _written(element.get(self.name)) == self.wanted:
                return element
        return None


_Step = _Key | _Index | _Where


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path. `text` is how it was written."""

    text: str
    root: str
    steps: tuple[_Step, ...]

    def find(self, scope: Scope) -> Any:
        """The value there, or None. JSON's null and a missing field are the same."""
        scope.budget.spend(1)
        value = _ROOTS[self.root](scope)
        for step in self.steps:
            value = step.step(value, scope.budget)
            if value is None:
                return None
        return value


_ROOTS = {
    "": lambda scope: scope.document,
    "@header": lambda scope: scope.headers,
    "@type": lambda scope: scope.type,
    "@item": lambda scope: scope.item,
}


def parse_path(text: str) -> Path:
    """Compile a path. Raises BadPath."""
    if len(text) > MAX_LENGTH:
        raise BadPath(f"is longer than {MAX_LENGTH} characters")
    steps: list[_Step] = []
    at = 0
    while not steps or at < len(text):
        at = _part(text, at + 1 if steps else 0, steps)
    first = steps[0]
    if not isinstance(first, _Key) or not first.name.startswith("@"):
        return Path(text, "", tuple(steps))
    if first.name not in _ROOTS:
        raise BadPath("begins with an unknown @ name; known are @header, @item, @type")
    return Path(text, first.name, tuple(steps[1:]))


def _part(text: str, at: int, steps: list[_Step]) -> int:
    """Read one name and its selectors; the position behind them, which is a dot or the end."""
    name = _PART.match(text, at)
    if name is None or (at and text[at - 1] != "."):
        raise BadPath(f'is not a path at character {at + 1}; quote unusual names: data."a.b"')
    steps.append(_Key(name[0].strip('"')))
    at = name.end()
    while selector := _SELECTOR.match(text, at):
        number, key, quoted, bare = selector.groups()
        steps.append(_Index(int(number)) if number else _Where(key, bare if quoted is None else quoted))
        at = selector.end()
    if at < len(text) and text[at] != ".":
        raise BadPath(f"is not a path at character {at + 1}; expected a dot, [0] or [key=value]")
    return at


def _written(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None
