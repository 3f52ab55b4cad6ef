"""Terms: how a rule says where a value comes from. A path, or one operator over other terms.

No regular expressions, no recursion, no loops, no names but the operators below: every term ends, and its cost
is bounded by its own size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unkey_sync_connectors.generic.options import Options
from unkey_sync_connectors.generic.paths import BadPath, parse_path
from unkey_sync_connectors.generic.values import MAX_TEXT, Wrong, to_instant, to_integer, to_text
from unkey_sync_connectors.timestamps import Instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync_connectors.base import ConfigProblem
    from unkey_sync_connectors.generic.paths import Scope

    Run = Callable[[Scope], Any]

MAX_DEPTH = 8
MAX_TERMS = 2_000
"""Most terms in the rules of one source."""

_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_LATEST = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z, as `timestamps` has it."""


@dataclass(frozen=True, slots=True)
class Term:
    """`run` gives the value, or None; raises Wrong. `text` names it for people: its path, or its operator."""

    run: Run
    text: str


class Terms:
    """Compiles terms and counts them. One per source."""

    def __init__(self) -> None:
        self._made = 0

    def required(self, options: Options, name: str) -> Term:
        """The term under this key. Raises ConfigProblem."""
        if name not in options.data:
            raise options.problem("is required", name)
        return self.read(options, name)

    def optional(self, options: Options, name: str) -> Term | None:
        return self.read(options, name) if name in options.data else None

    def read(self, options: Options, name: str, depth: int = 0) -> Term:
        """A text is a path; a table is an operator. Raises ConfigProblem."""
        return self._compile(options, (name,), options.data[name], depth)

    def listed(self, options: Options, name: str, depth: int) -> list[Term]:
        """A non-empty list of terms."""
        values = options.data[name]
        if not isinstance(values, list) or not values:
            raise options.problem("must be a list of terms", name)
        return [self._compile(options, (name, n), value, depth) for n, value in enumerate(values)]

    def _compile(self, options: Options, keys: tuple[str | int, ...], value: Any, depth: int) -> Term:
        self._made += 1
        if self._made > MAX_TERMS:
            raise options.problem(f"is one too many: at most {MAX_TERMS} terms", *keys)
        if depth > MAX_DEPTH:
            raise options.problem(f"is nested deeper than {MAX_DEPTH}", *keys)
        if isinstance(value, str):
            return _path(options, keys, value)
        if not isinstance(value, dict):
            raise options.problem("must be a path or a table with one operator", *keys)
        return self._operator(Options(value, (*options.path, *keys)), depth + 1)

    def _operator(self, options: Options, depth: int) -> Term:
        names = [name for name in options.data if name in OPERATORS]
        if len(names) != 1:
            raise _bad_operator(options, len(names))
        operator = OPERATORS[names[0]]
        options.only({names[0], *operator.parameters})
        return Term(operator.build(_Call(self, options, names[0], depth)), _label(options, names[0]))


@dataclass(frozen=True, slots=True)
class _Call:
    """One use of an operator: where its arguments are read from."""

    terms: Terms
    options: Options
    name: str
    depth: int

    def one(self) -> Run:
        """The operator's own argument."""
        return self.term(self.name)

    def term(self, name: str) -> Run:
        if name not in self.options.data:
            raise self.options.problem("is required", name)
        run = self.terms.read(self.options, name, self.depth).run

        def counted(scope: Scope) -> Any:
            scope.budget.spend(1)
            return run(scope)

        return counted

    def many(self) -> list[Run]:
        return [term.run for term in self.terms.listed(self.options, self.name, self.depth)]

    def constant(self, name: str) -> Any:
        if name not in self.options.data:
            raise self.options.problem("is required", name)
        value = self.options.data[name]
        if not isinstance(value, str | int):
            raise self.options.problem("must be a text, a whole number, true or false", name)
        return value


def _value(call: _Call) -> Run:
    constant = call.constant("value")
    return lambda _scope: constant


def _when(call: _Call) -> Run:
    condition, run = call.one(), call.term("then")
    return lambda scope: run(scope) if condition(scope) is True else None


def _first(call: _Call) -> Run:
    runs = call.many()
    return lambda scope: next((value for run in runs if (value := run(scope)) not in (None, "")), None)


def _default(call: _Call) -> Run:
    run, constant = call.one(), call.constant("to")

    def apply(scope: Scope) -> Any:
        value = run(scope)
        return constant if value in (None, "") else value

    return apply


def _join(call: _Call) -> Run:
    runs, between = call.many(), call.options.text("with", "")

    def apply(scope: Scope) -> str | None:
        parts = [to_text(run(scope)) for run in runs]
        known = [part for part in parts if part is not None]
        return _bounded(between.join(known)) if len(known) == len(parts) else None

    return apply


def _equals(call: _Call) -> Run:
    run, constant = call.one(), call.constant("to")
    return lambda scope: _same(run(scope), constant)


def _exists(call: _Call) -> Run:
    run = call.one()
    return lambda scope: run(scope) not in (None, "", [], {})


def _any(call: _Call) -> Run:
    runs = call.many()
    return lambda scope: any(run(scope) is True for run in runs)


def _not(call: _Call) -> Run:
    run = call.one()
    return lambda scope: run(scope) is not True


def _lower(call: _Call) -> Run:
    return _on_text(call, str.lower)


def _to_int(call: _Call) -> Run:
    run = call.one()
    return lambda scope: to_integer(run(scope))


def _to_time(call: _Call) -> Run:
    run, unit = call.one(), call.options.choice("unit", {*_UNITS, "auto"}, "auto")
    return lambda scope: _instant(run(scope), unit)


def _split(call: _Call) -> Run:
    between, take = call.options.text("by"), call.options.number("take", 0)

    def part(text: str) -> str | None:
        if take < 0:
            parts = text.rsplit(between, -take)
            return parts[take] if len(parts) >= -take else None
        parts = text.split(between, take + 1)
        return parts[take] if len(parts) > take else None

    return _on_text(call, part)


def _strip_prefix(call: _Call) -> Run:
    prefix = call.options.text("prefix")
    return _on_text(call, lambda text: text.removeprefix(prefix))


def _strip_suffix(call: _Call) -> Run:
    suffix = call.options.text("suffix")
    return _on_text(call, lambda text: text.removesuffix(suffix))


def _map(call: _Call) -> Run:
    run, table = call.one(), call.options.table("to").data
    fallback = call.constant("else") if "else" in call.options.data else None
    if not table or not all(isinstance(value, str | int) for value in table.values()):
        raise call.options.problem("must be a table of texts, whole numbers, true or false", "to")

    def apply(scope: Scope) -> Any:
        value = run(scope)
        name = str(value).lower() if isinstance(value, bool) else to_text(value)
        if name is None:
            return fallback
        meaning = table.get(name, fallback)
        if meaning is None:
            raise Wrong("is not a known value")
        return meaning

    return apply


@dataclass(frozen=True, slots=True)
class Operator:
    """How to build one operator, and which keys may stand beside its name."""

    build: Callable[[_Call], Run]
    parameters: Sequence[str] = ()


OPERATORS = {
    "value": Operator(_value),
    "when": Operator(_when, ("then",)),
    "first": Operator(_first),
    "default": Operator(_default, ("to",)),
    "join": Operator(_join, ("with",)),
    "equals": Operator(_equals, ("to",)),
    "exists": Operator(_exists),
    "any": Operator(_any),
    "not": Operator(_not),
    "lower": Operator(_lower),
    "to_int": Operator(_to_int),
    "to_time": Operator(_to_time, ("unit",)),
    "split": Operator(_split, ("by", "take")),
    "strip_prefix": Operator(_strip_prefix, ("prefix",)),
    "strip_suffix": Operator(_strip_suffix, ("suffix",)),
    "map": Operator(_map, ("to", "else")),
}


def _path(options: Options, keys: tuple[str | int, ...], text: str) -> Term:
    try:
        path = parse_path(text)
    except BadPath as problem:
        raise options.problem(str(problem), *keys) from None
    return Term(path.find, path.text)


def _label(options: Options, name: str) -> str:
    """`map(data.status)`: the operator and, where it is a plain path, what it works on."""
    argument = options.data[name]
    return f"{name}({argument})" if isinstance(argument, str) and name != "value" else name


def _bad_operator(options: Options, found: int) -> ConfigProblem:
    what = "has two operators" if found else "has no operator"
    return options.problem(f"{what}; exactly one of {', '.join(OPERATORS)}")


def _on_text(call: _Call, change: Callable[[str], str | None]) -> Run:
    run = call.one()

    def apply(scope: Scope) -> str | None:
        text = to_text(run(scope))
        return None if text is None else change(text)

    return apply


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Wrong(f"is longer than {MAX_TEXT} characters")
    return text


def _same(value: Any, constant: Any) -> bool:
    """Equal, and of one type: true is not 1."""
    return type(value) is type(constant) and value == constant


def _instant(value: Any, unit: str) -> Instant | None:
    if unit == "auto":
        return to_instant(value)
    number = to_integer(value)
    if number is None:
        return None
    if not 0 <= number * _UNITS[unit] <= _LATEST:
        raise Wrong("is not a timestamp")
    return Instant(number * _UNITS[unit], _UNITS[unit])
