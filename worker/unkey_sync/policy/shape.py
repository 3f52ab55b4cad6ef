"""What every policy section is made of: strict frozen models, lists as tuples, durations, names.

Numbers are never taken for booleans, strings never for numbers: a policy means what it says or is refused.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from unkey_sync.clock import DAY, SECOND

T = TypeVar("T")

LARGEST_NUMBER = 2**53 - 1
"""JSON numbers pass through a float on Unkey's side: larger ones would come back changed."""

LONGEST_DURATION = 3650 * DAY

DURATION_PATTERN = "^[0-9]{1,9}[smhd]$"

_UNITS = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": DAY}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")


class Section(BaseModel):
    """A table of the policy file."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


def parse_duration(text: object) -> int:
    """`30s 5m 1h 7d` in microseconds. Raises `ValueError` for anything else, and above 3650d."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('must be a duration such as "30s", "5m", "1h" or "7d"')
    duration = int(match[1]) * _UNITS[match[2]]
    if duration > LONGEST_DURATION:
        raise ValueError('must be at most "3650d"')
    return duration


def format_duration(duration: int) -> str:
    """Microseconds as the shortest text that `parse_duration` reads back. Parts of a second are dropped."""
    unit = max((unit for unit in _UNITS if duration % _UNITS[unit] == 0), key=_UNITS.__getitem__, default="s")
    return f"{duration // _UNITS[unit]}{unit}" if duration else "0s"


Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["30s", "5m", "1h", "7d"]}),
]
"""Microseconds; `"7d"` in the file."""


def _check_second(duration: int) -> int:
    if duration < SECOND:
        raise ValueError('must be at least "1s"')
    return duration


Window = Annotated[Duration, AfterValidator(_check_second)]
"""A duration of at least a second."""

Many = Annotated[tuple[T, ...], Field(strict=False, max_length=1000)]
"""A TOML list, kept as a tuple."""

Name = Annotated[str, Field(min_length=1, max_length=128)]
"""A role name, as Unkey allows it (Unkey OpenAPI, permissions.createRole)."""

Slug = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[a-zA-Z0-9_:\-.*]+$")]
"""A permission slug, as Unkey allows it (Unkey OpenAPI, permissions.createPermission)."""


def fold(name: str) -> str:
    """Equal for names of roles and permissions that Unkey takes for one: case and accents do not count."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
