"""How Unkey's database compares text: one fold for names without case and accent, one order for ids.

Source: observed collations of the real server (role names and slugs ignore case and accent; ids sort by
digit, then letter, lower case first on a tie).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Punctuation sorts before digits and letters; its own order is the Unicode default one.
_PUNCTUATION = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
_RANK = {ord(char): chr(index + 1) for index, char in enumerate(_PUNCTUATION)}

OrderKey = tuple[str, str]


def order_key(text: str) -> OrderKey:
    """Sort key of an id or a cursor."""
    return text.lower().translate(_RANK), text.swapcase()


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """The form under which role names and permission slugs are unique. Blanks at the end count."""
    if text.isascii():
        return text.lower()
    marks_apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in marks_apart if not unicodedata.combining(char))
