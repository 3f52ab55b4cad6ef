"""The tables that configure a generic source, read strictly: a wrong key or type is named, with its path.

Merges a preset with what the user's own file says. Gives no meaning to any key.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from unkey_sync_connectors.base import ConfigProblem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

MAX_TEXT = 1_000
"""Longest text in a configuration, in characters."""

_LONGEST_NAME_SHOWN = 60

Path = tuple[str | int, ...]


class Options:
    """A table of the configuration. Every method raises ConfigProblem with the path of what is wrong."""

    __slots__ = ("data", "path")

    def __init__(self, data: Mapping[str, Any], path: Path = ()) -> None:
        self.data = data
        self.path = path

    def only(self, known: Collection[str]) -> None:
        """Refuse keys that are none of `known`."""
        for name in self.data:
            if name not in known:
                near = get_close_matches(name[:_LONGEST_NAME_SHOWN], sorted(known), n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
                raise self.problem(f"unknown key; {hint}", name)

    def text(self, name: str, default: str | None = None) -> str:
        """A non-empty text; required without a default."""
        value = self.data.get(name, default)
        if value is None:
            raise self.problem("is required", name)
        if not isinstance(value, str) or (value == "" and default != ""):
            raise self.problem("must be a text", name)
        if len(value) > MAX_TEXT:
            raise self.problem(f"must have at most {MAX_TEXT} characters", name)
        return value

    def choice(self, name: str, known: Collection[str], default: str | None = None) -> str:
        value = self.text(name, default)
        if value not in known:
            raise self.problem(f"must be one of {', '.join(sorted(known))}", name)
        return value

    def flag(self, name: str) -> bool:
        value = self.data.get(name, False)
        if not isinstance(value, bool):
            raise self.problem("must be true or false", name)
        return value

    def number(self, name: str, default: int) -> int:
        value = self.data.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_TEXT:
            raise self.problem("must be a small whole number", name)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, or one text for a list of one; missing means none."""
        value = self.data.get(name, [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise self.problem("must be a list of texts", name)
        return tuple(values)

    def table(self, name: str) -> Options:
        """The table below; missing means empty."""
        return self._table(self.data.get(name, {}), name)

    def tables(self, name: str) -> Iterator[tuple[str, Options]]:
        """The tables in the table below, by name."""
        inner = self.table(name)
        for key in inner.data:
            yield key, inner.table(key)

    def each(self, name: str) -> list[Options]:
        """A list of tables."""
        values = self.data[name]
        return [self._table(value, name, number) for number, value in enumerate(values)]

    def problem(self, message: str, *keys: str | int) -> ConfigProblem:
        return ConfigProblem(message, path=(*self.path, *keys))

    def _table(self, value: object, *keys: str | int) -> Options:
        if not isinstance(value, dict):
            raise self.problem("must be a table", *keys)
        return Options(value, (*self.path, *keys))


def merge(preset: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The preset with the user's tables on top, key by key; a term is replaced whole.

    Another kind of verification replaces all that the preset says of it.
    """
    merged = {**preset, **own}
    for name in ("verify", "envelope", "rules"):
        merged[name] = _over(preset.get(name, {}), own.get(name, {}))
    if _changes_kind(preset.get("verify", {}), own.get("verify", {})):
        merged["verify"] = own["verify"]
    if isinstance(own.get("rules"), dict):
        merged["rules"] |= {
            name: _rule(preset.get("rules", {}).get(name, {}), rule) for name, rule in own["rules"].items()
        }
    return merged


def _changes_kind(preset: Mapping[str, Any], own: object) -> bool:
    return isinstance(own, dict) and own.get("kind", preset.get("kind")) != preset.get("kind")


def _rule(preset: Mapping[str, Any], own: Any) -> Any:
    merged = _over(preset, own)
    if isinstance(own, dict) and "body" in own:
        merged["body"] = _over(preset.get("body", {}), own["body"])
    return merged


def _over(preset: Mapping[str, Any], own: Any) -> Any:
    return {**preset, **own} if isinstance(own, dict) else own
