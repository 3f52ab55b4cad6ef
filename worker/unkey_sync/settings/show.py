"""The settings as people may see them: flat, in order, secrets masked, each with its origin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.settings.load import Loaded
    from unkey_sync.settings.variables import KeyPath

MASK = "********"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting for display. `value` is JSON-ready and never a secret."""

    key: str
    value: Any
    origin: str


def show(loaded: Loaded) -> list[Row]:
    """Every setting, in the order of the model."""
    return [
        Row(".".join(path), _display(value), loaded.origins.get(path, "default"))
        for path, value in _walk(loaded.settings, ())
    ]


def mask_url(url: str) -> str:
    """A URL without its password and without its query, which may hold one."""
    without_query, mark, _ = url.partition("?")
    masked = re.sub(r"://([^:@/]*):.*@", rf"://\1:{MASK}@", without_query)
    return f"{masked}?{MASK}" if mark else masked


def _walk(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _walk(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _walk(item, (*path, name))
    else:
        yield path, value


def _display(value: Any) -> Any:
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        return mask_url(text) if "://" in text else MASK
    if isinstance(value, tuple):
        return [_display(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
