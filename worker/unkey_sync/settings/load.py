"""Flags over environment over file over defaults: one frozen `Settings`, and where each value came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from unkey_sync.policy import SECTIONS
from unkey_sync.settings.document import find_file, place, read_document
from unkey_sync.settings.explain import to_problems
from unkey_sync.settings.model import Settings
from unkey_sync.settings.problems import InvalidConfig, Problem
from unkey_sync.settings.references import Unresolved, is_reference, read_variable, resolve
from unkey_sync.settings.variables import ALL, process_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.configfile import Document
    from unkey_sync.settings.variables import KeyPath, Variable


@dataclass(frozen=True, slots=True)
class Value:
    """A raw setting and its origin."""

    raw: Any = field(repr=False)
    origin: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, the origin of every value that is not a default, and the file they came from."""

    settings: Settings
    origins: Mapping[KeyPath, str]
    document: Document


@dataclass(slots=True)
class _Draft:
    """Values found so far; later layers overwrite."""

    values: dict[KeyPath, Value] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    referenced: set[str] = field(default_factory=set)


def load_settings(
    environment: Mapping[str, str] | None = None,
    *,
    file: Path | None = None,
    flags: Mapping[KeyPath, Any] | None = None,
) -> Loaded:
    """Read everything. `flags`: command-line values by key path.

    Raises `ConfigError` with all problems at once: name, file, line, key and remedy; never a value.
    """
    environment = process_environment() if environment is None else environment
    document = read_document(find_file(file, environment))
    draft = _Draft()
    _read_file(draft, document, environment)
    _read_environment(draft, environment)
    for path, raw in (flags or {}).items():
        draft.values[path] = Value(raw, f"flag --{path[-1].replace('_', '-')}")
    draft.values.setdefault(("state_dir",), Value(_state_dir(environment), "default"))
    return Loaded(_validate(draft, document), _origins(draft), document)


def _read_file(draft: _Draft, document: Document, environment: Mapping[str, str]) -> None:
    data = {name: value for name, value in document.data.items() if name not in SECTIONS}
    for path, raw in _leaves(data, ()):
        where = place(document, path)
        try:
            draft.values[path] = Value(_follow(raw, environment), where)
        except Unresolved as error:
            draft.problems.append(Problem(where, ".".join(path), str(error)))
            draft.values[path] = Value(None, where)
        draft.referenced |= _names(raw)


def _read_environment(draft: _Draft, environment: Mapping[str, str]) -> None:
    for variable in ALL:
        if variable.name in draft.referenced:
            continue  # the file says where this variable belongs
        try:
            found = read_variable(variable.name, environment)
        except Unresolved as error:
            draft.problems.append(Problem(f"env {variable.name}_FILE", ".".join(variable.path), str(error)))
            continue
        if found is not None:
            _set(draft, variable, Value(_split(found.value) if variable.many else found.value, found.origin))


def _set(draft: _Draft, variable: Variable, value: Value) -> None:
    if variable.path[0] == "sources":
        kind = (*variable.path[:2], "kind")
        if not variable.switches_on and not any(path[:2] == variable.path[:2] for path in draft.values):
            return  # an address alone switches nothing on
        draft.values.setdefault(kind, Value(variable.path[1], value.origin))
    draft.values[variable.path] = value


def _validate(draft: _Draft, document: Document) -> Settings:
    unresolved = {problem.key for problem in draft.problems}
    try:
        settings = Settings.model_validate(_nest(draft.values))
    except ValidationError as error:
        found = to_problems(error, lambda path: _where(draft, document, path))
        draft.problems += [problem for problem in found if problem.key not in unresolved]
    if draft.problems:
        raise InvalidConfig(draft.problems) from None
    return settings


def _where(draft: _Draft, document: Document, path: KeyPath) -> str:
    known = draft.values.get(path)
    return known.origin if known is not None else place(document, path)


def _origins(draft: _Draft) -> dict[KeyPath, str]:
    return {path: value.origin for path, value in draft.values.items()}


def _leaves(data: Mapping[str, Any], path: KeyPath) -> list[tuple[KeyPath, Any]]:
    found: list[tuple[KeyPath, Any]] = []
    for name, value in data.items():
        here = (*path, name)
        found += _leaves(value, here) if isinstance(value, dict) and value else [(here, value)]
    return found


def _nest(values: Mapping[KeyPath, Value]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for path, value in values.items():
        table: Any = root
        for name in path[:-1]:
            table = table.setdefault(name, {}) if isinstance(table, dict) else table
        if isinstance(table, dict):  # else the file has a plain value where a table belongs: reported as such
            _put(table, path[-1], value.raw)
    return root


def _put(table: dict[str, Any], name: str, raw: Any) -> None:
    if raw == {}:
        table.setdefault(name, {})
    else:
        table[name] = raw


def _follow(raw: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(raw, list):
        return [value for item in raw for value in _many(item, environment)]
    return resolve(raw, environment).value if is_reference(raw) else raw


def _many(item: Any, environment: Mapping[str, str]) -> list[Any]:
    """One reference in a list may stand for several values (rotation)."""
    return _split(resolve(item, environment).value) if is_reference(item) else [item]


def _names(raw: Any) -> set[str]:
    items = raw if isinstance(raw, list) else [raw]
    return {item.removeprefix("env:") for item in items if is_reference(item) and item.startswith("env:")}


def _split(text: str) -> list[str]:
    return [part for part in (piece.strip() for piece in text.split(",")) if part]


def _state_dir(environment: Mapping[str, str]) -> Path:
    home = Path(environment.get("HOME", "/"))
    return Path(environment.get("XDG_STATE_HOME") or home / ".local" / "state") / "unkey-sync"
