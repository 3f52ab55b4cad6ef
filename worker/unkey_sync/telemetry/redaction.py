"""Keeps secrets and personal data out of everything that is logged.

Known secrets are replaced by value; e-mail addresses and things that look like keys by pattern. It is the
last
line of defence: nobody may log a secret or a payload on purpose.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, MutableMapping

MASK: Final = "[redacted]"
SHORTEST = 6
"""Characters. Shorter secrets would blot out ordinary words."""

_PATTERNS: Final = re.compile(
    r"""
      [A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+        # e-mail addresses
    | \b(?:whsec|whsk|whpk)_[A-Za-z0-9+/=_-]{6,}                 # webhook secrets (Svix, Stripe)
    | \b(?:sk|rk|pk)_(?:live_|test_)?[A-Za-z0-9_]{8,}            # Stripe, Clerk, WorkOS
    | \b(?:pdl|polar)_[A-Za-z0-9_]{8,}                           # Paddle, Polar
    | \bunkey_[A-Za-z0-9]{12,}                                   # Unkey root keys
    | \b[Bb]earer\s+[^\s"',]+
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*     # JSON Web Tokens
    """,
    re.VERBOSE,
)
_PASSWORD: Final = re.compile(r"://[^:@/]*:(.+)@")
"""The password inside a URL; it may hold any character."""
_PLAIN = (bool, int, float, type(None))


class Redactor:
    """A structlog processor; `text` does the same to one string."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        return {key: self._value(value) for key, value in event.items()}

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return _PATTERNS.sub(MASK, text)

    def _value(self, value: Any) -> Any:
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, dict):
            return {self.text(str(key)): self._value(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(item) for item in value]
        return self.text(str(value))


def secrets_of(settings: Any) -> Iterator[str]:
    """Every secret value inside settings (or any nesting of models, mappings and sequences)."""
    if isinstance(settings, SecretStr):
        yield settings.get_secret_value()
        yield from _PASSWORD.findall(settings.get_secret_value())
    elif isinstance(settings, BaseModel):
        for name in type(settings).model_fields:
            yield from secrets_of(getattr(settings, name))
    elif isinstance(settings, dict):
        for item in settings.values():
            yield from secrets_of(item)
    elif isinstance(settings, list | tuple):
        for item in settings:
            yield from secrets_of(item)
