"""Reads a TOML file and checks it against pydantic models; each mistake is named with its file and line.

Knows no particular setting. Says every mistake at once and never quotes a value: it may be a secret.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from unkey_sync.errors import ConfigError
from unkey_sync.tomllines import KeyPath, TooDeep, index_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)

MAX_BYTES = 128 * 1024
"""Far above any real file, low enough that reading a hostile one stays quick."""

MAX_LISTED = 100
"""Problems told at once; further ones are counted."""

_LONGEST_NAME_SHOWN = 60

_PLAIN_WORDS = {
    "missing": "is missing",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
}


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file that was read. `path` is only for messages."""

    path: str
    data: dict[str, Any] = field(repr=False)
    lines: Mapping[KeyPath, int] = field(repr=False, default_factory=dict)

    def line_of(self, keypath: KeyPath) -> int:
        """The line, counted from 1, of a key, or of the nearest table around it that stands in the file."""
        return next((self.lines[path] for path in _outwards(keypath) if path in self.lines), 1)

    def only(self, sections: Collection[str]) -> Document:
        """The same file, as far as these top-level keys go."""
        return Document(self.path, {k: v for k, v in self.data.items() if k in sections}, self.lines)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where, and what is wrong with it, including the remedy. Never holds the value."""

    path: KeyPath
    message: str


def load_document(path: Path) -> Document:
    """Read a file. Raises `ConfigError` when it is unreadable, too large, not UTF-8, or not TOML."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_document(raw, str(path))


def parse_document(raw: bytes, path: str) -> Document:
    """Read the bytes of a TOML file. Raises `ConfigError`: `file:line: what is wrong`."""
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes")
    try:
        text = raw.decode().replace("\r\n", "\n")
        return _read(text, path)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from None


def validate(model: type[M], document: Document, section: KeyPath = ()) -> M:
    """The document, or the table at `section`, as `model`.

    Raises `ConfigError` with one line per problem: `file:line: key.path: what is wrong; remedy`.
    """
    value, where = _table_at(document, section)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _refusal(document, _problems(model, where, error)) from None


def check_sections(document: Document, known: Collection[str]) -> None:
    """Raise `ConfigError` when the file has a top-level key that is none of `known`."""
    unknown = (key for key in document.data if key not in known)
    refuse(document, [Problem((key,), f"unknown key{suggest(key, known)}") for key in unknown])


def refuse(document: Document, problems: Iterable[Problem]) -> None:
    """Raise `ConfigError` that tells all problems in the order of their lines; nothing when there is none."""
    found = list(problems)
    if found:
        raise _refusal(document, found)


def suggest(name: str, known: Collection[str]) -> str:
    """The end of a message about an unknown name: the nearest valid one, or all of them."""
    near = difflib.get_close_matches(name[:_LONGEST_NAME_SHOWN], sorted(known), n=1)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; known are {', '.join(sorted(known))}" if known else ""


def render_path(keypath: KeyPath) -> str:
    """A key path as people write it: `plans[1].match[0].source`, `role_mapping."org:admin"`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{_render_name(part)}" for part in keypath)
    return "".join(parts).removeprefix(".")


def _read(text: str, path: str) -> Document:
    try:
        lines = index_lines(text)
        return Document(path, tomllib.loads(text), lines)
    except TooDeep as error:
        raise ConfigError(f"{path}:{error.line}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_message(text, path, str(error))) from None
    except ValueError:
        raise ConfigError(f"{path}: a number has more digits than can be read") from None


def _syntax_message(text: str, path: str, message: str) -> str:
    """tomllib names keys and characters, never values; its `(at line 3, column 7)` goes to the front."""
    place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    line = place[1] if place and place[1] else text.rstrip("\n").count("\n") + 1
    return f"{path}:{line}: {message[: place.start() if place else None][:200]}"


def _table_at(document: Document, section: KeyPath) -> tuple[Any, KeyPath]:
    value: Any = document.data
    for part in section:
        value = value.get(part, {}) if isinstance(value, dict) else value
    return value, section


def _problems(model: type[BaseModel], section: KeyPath, error: ValidationError) -> list[Problem]:
    details = error.errors(include_url=False, include_input=False)
    # Looking for the nearest name costs far more than the rest: not for problems that nobody will be shown.
    shown = [_problem(model, section, detail) for detail in details[: 2 * MAX_LISTED]]
    return shown + [
        Problem((*section, *detail["loc"]), detail["type"]) for detail in details[2 * MAX_LISTED :]
    ]


def _problem(model: type[BaseModel], section: KeyPath, detail: ErrorDetails) -> Problem:
    inner = tuple(part for part in detail["loc"] if part != "[key]")
    if detail["type"] == "extra_forbidden":
        known = _names_at(model, inner[:-1])
        return Problem((*section, *inner), f"unknown key{suggest(str(inner[-1]), known)}")
    return Problem((*section, *inner), _reword(detail))


def _reword(detail: ErrorDetails) -> str:
    """pydantic's words, as a person who wrote a file would say them."""
    if detail["type"] in _PLAIN_WORDS:
        return _PLAIN_WORDS[detail["type"]]
    if detail["type"] == "too_long":
        return f"must have at most {detail['ctx']['max_length']} entries"
    return detail["msg"].removeprefix("Value error, ").replace("Input should be", "must be")


def _names_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that a model allows in the table at `path`."""
    here: object = model
    for part in path:
        here = _step(here, part)
    return [name for found in _models_in(here)[:1] for name in found.model_fields]


def _step(annotation: object, part: str | int) -> object:
    if isinstance(part, int):
        return annotation
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    fields = (model.model_fields.get(part) for model in _models_in(annotation))
    return next((found.annotation for found in fields if found), annotation)


def _models_in(annotation: object) -> list[type[BaseModel]]:
    """Models inside `list[X]`, `X | None`, `dict[str, X]`, `Annotated[X, ...]`, or X itself."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _outwards(keypath: KeyPath) -> Iterator[KeyPath]:
    return (keypath[:length] for length in range(len(keypath), 0, -1))


def _refusal(document: Document, problems: Sequence[Problem]) -> ConfigError:
    in_order = sorted(problems, key=lambda problem: document.line_of(problem.path))
    told = [_sentence(document, problem) for problem in in_order[:MAX_LISTED]]
    more = len(problems) - MAX_LISTED
    return ConfigError("\n".join([*told, f"... and {more} more problems"] if more > 0 else told))


def _sentence(document: Document, problem: Problem) -> str:
    place = f"{document.path}:{document.line_of(problem.path)}"
    return ": ".join(part for part in (place, render_path(problem.path), problem.message) if part)


def _render_name(name: str) -> str:
    shown = name if len(name) <= _LONGEST_NAME_SHOWN else f"{name[:_LONGEST_NAME_SHOWN]}..."
    return shown if re.fullmatch(r"[A-Za-z0-9_-]+", shown) else f'"{shown}"'
