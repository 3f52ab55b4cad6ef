"""A text that must not be seen: root keys and the plaintext of created keys.

It hides itself from repr, str, format, JSON and pickle (so also from broker messages). `reveal` is the one
way in, and easy to search for. It does not encrypt anything.
"""

from __future__ import annotations

import hmac
from typing import NoReturn


class SecretText:
    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Do not log it, do not put it into an exception."""
        return self._text

    def __repr__(self) -> str:
        return "SecretText(***)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretText):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((SecretText, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SecretText is not pickled")
