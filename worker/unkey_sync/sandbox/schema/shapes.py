"""A small schema language that fails exactly as upstream's validator does.

Each shape compiles to a check that reports the *schema* location of what is wrong
(`/properties/name/minLength`), never an index or a value's path. Deliberately no general JSON Schema: only
what Unkey's requests use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unkey_sync.sandbox.errors import Finding

INT64 = range(-(2**63), 2**63)


@dataclass(slots=True)
class Report:
    """`findings`: violations. `unbindable`: the schema allows a number that a 64-bit integer cannot hold."""

    findings: list[Finding] = field(default_factory=list)
    unbindable: bool = False

    def add(self, location: str, message: str) -> None:
        self.findings.append(Finding(location, message))


Check = Callable[[Any, Report], None]
Shape = Callable[[str], Check]
"""Compiled for the location at which it stands."""


def _kind(value: Any) -> str:
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "boolean"),
        (str, "string"),
        (dict, "object"),
        (list, "array"),
        (int, "number"),
        (float, "number"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def _typed(location: str, wanted: type, want: str, *, nullable: bool, inner: Check) -> Check:
    """The type comes first: a value of a wrong type is reported once and not looked into."""
    names = f"null or {want}" if nullable else want

    def check(value: Any, report: Report) -> None:
        if type(value) is wanted:
            inner(value, report)
        elif not (nullable and value is None):
            report.add(f"{location}/type", f"got {_kind(value)}, want {names}")

    return check


def text(
    low: int = 0, high: int | None = None, pattern: str | None = None, *, nullable: bool = False
) -> Shape:
    """A string; lengths in characters; the pattern must match the whole string."""
    match = re.compile(pattern.removesuffix("$") + r"\Z").match if pattern else None

    def compile_at(location: str) -> Check:
        def check(value: str, report: Report) -> None:
            if len(value) < low:
                report.add(f"{location}/minLength", f"minLength: got {len(value):,}, want {low:,}")
            if high is not None and len(value) > high:
                report.add(f"{location}/maxLength", f"maxLength: got {len(value):,}, want {high:,}")
            if match is not None and not match(value):
                report.add(f"{location}/pattern", f"'{value}' does not match pattern '{pattern}'")

        return _typed(location, str, "string", nullable=nullable, inner=check)

    return compile_at


def choice(*values: str) -> Shape:
    def compile_at(location: str) -> Check:
        def check(value: str, report: Report) -> None:
            if value not in values:
                listed = ", ".join(f"'{known}'" for known in values)
                report.add(f"{location}/enum", f"value must be one of {listed}")

        return _typed(location, str, "string", nullable=False, inner=check)

    return compile_at


def flag() -> Shape:
    return lambda location: _typed(location, bool, "boolean", nullable=False, inner=lambda _v, _r: None)


def number(low: int | None = None, high: int | None = None, *, nullable: bool = False) -> Shape:
    """An integer. `1.0` is one for the schema, but not for the server's binding, which wants digits only."""

    def compile_at(location: str) -> Check:
        def check(value: Any, report: Report) -> None:
            if _is_integer(value):
                report.unbindable |= type(value) is not int or value not in INT64
                _check_bounds(location, value, (low, high), report)
            elif not (nullable and value is None):
                wanted = "null or integer" if nullable else "integer"
                report.add(f"{location}/type", f"got {_kind(value)}, want {wanted}")

        return check

    return compile_at


def _is_integer(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _check_bounds(location: str, value: float, bounds: tuple[int | None, int | None], report: Report) -> None:
    low, high = bounds
    if low is not None and value < low:
        report.add(f"{location}/minimum", f"minimum: got {value:,}, want {low:,}")
    if high is not None and value > high:
        report.add(f"{location}/maximum", f"maximum: got {value:,}, want {high:,}")


def listing(items: Shape, low: int = 0, high: int | None = None) -> Shape:
    def compile_at(location: str) -> Check:
        item = items(f"{location}/items")

        def check(value: list[Any], report: Report) -> None:
            if len(value) < low:
                report.add(f"{location}/minItems", f"minItems: got {len(value):,}, want {low:,}")
            if high is not None and len(value) > high:
                report.add(f"{location}/maxItems", f"maxItems: got {len(value):,}, want {high:,}")
            for element in value:
                item(element, report)

        return _typed(location, list, "array", nullable=False, inner=check)

    return compile_at


def record(
    fields: Mapping[str, Shape], required: Sequence[str] = (), *, open_: bool = False, nullable: bool = False
) -> Shape:
    """An object with these fields. `open_`: unknown fields are ignored instead of refused."""

    def compile_at(location: str) -> Check:
        checks = {name: shape(f"{location}/properties/{name}") for name, shape in fields.items()}

        def check(value: dict[str, Any], report: Report) -> None:
            missing = [name for name in required if name not in value]
            if missing:
                report.add(f"{location}/required", f"missing {_properties(missing)}")
            for name, element in value.items():
                if name in checks:
                    checks[name](element, report)
            foreign = [] if open_ else [name for name in value if name not in checks]
            if foreign:
                report.add(
                    f"{location}/additionalProperties",
                    f"additional {_properties(foreign, many=True)} not allowed",
                )

        return _typed(location, dict, "object", nullable=nullable, inner=check)

    return compile_at


def free_object(max_properties: int, *, nullable: bool = False) -> Shape:
    """Any object with at most so many members (`meta`)."""

    def compile_at(location: str) -> Check:
        def check(value: dict[str, Any], report: Report) -> None:
            if len(value) > max_properties:
                message = f"maxProperties: got {len(value):,}, want {max_properties:,}"
                report.add(f"{location}/maxProperties", message)

        return _typed(location, dict, "object", nullable=nullable, inner=check)

    return compile_at


def described(shape: Shape) -> Shape:
    """A reference that carries text of its own:
    upstream's validator wraps it, which shows in every location.
    """
    return lambda location: shape(f"{location}/allOf/1")


def _properties(names: Sequence[str], *, many: bool = False) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return f"properties {listed}" if many or len(names) > 1 else f"property {listed}"
