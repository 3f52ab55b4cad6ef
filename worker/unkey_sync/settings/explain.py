"""pydantic's findings in our words: key, place, remedy, nearest valid name. Values are never quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from unkey_sync.configfile import suggest
from unkey_sync.policy import SECTIONS
from unkey_sync.settings.model import Settings, SourceSettings
from unkey_sync.settings.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from unkey_sync.settings.variables import KeyPath


def to_problems(error: ValidationError, where: Callable[[KeyPath], str]) -> list[Problem]:
    """One problem per finding. `where` tells the place of a key."""
    details = error.errors(include_input=False, include_url=False, include_context=True)
    return [_to_problem(detail, where) for detail in details]


def _to_problem(detail: ErrorDetails, where: Callable[[KeyPath], str]) -> Problem:
    names = tuple(str(part) for part in detail["loc"] if isinstance(part, str) and part != "[key]")
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"])
    return Problem(where(names), shown.removeprefix("."), _message(detail, names))


def _message(detail: ErrorDetails, names: KeyPath) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key{suggest(names[-1], known_keys(names[:-1]))}"
        case "missing":
            return "is required"
        case "value_error":
            return str(detail["ctx"]["error"])
        case "string_pattern_mismatch":
            return "a source name is lower-case letters, digits, - and _"
        case "model_type" | "model_attributes_type":
            return "must be a table"
        case _:
            return _lower_first(detail["msg"])


def known_keys(path: KeyPath) -> list[str]:
    """Names that are valid below this key."""
    if not path:
        return [*Settings.model_fields, *SECTIONS]
    if path[0] == "sources":
        return list(SourceSettings.model_fields)
    annotation: Any = Settings.model_fields[path[0]].annotation if path[0] in Settings.model_fields else None
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return list(annotation.model_fields)
    return []


def _lower_first(text: str) -> str:
    text = text.removeprefix("Input should be ").removeprefix("Value error, ")
    return f"must be {text}" if text != "" else "is not valid"
