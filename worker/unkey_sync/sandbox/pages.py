"""Pages of a listing: one row more than asked for is the next page's cursor, so cursors are inclusive."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from unkey_sync.sandbox.collation import fold
from unkey_sync.sandbox.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

R = TypeVar("R", bound=Row)
DEFAULT_SIZE = 100


def page_of(rows: Iterable[R], size: int) -> tuple[list[R], dict[str, Any]]:
    """A page and its `pagination` member."""
    found = list(islice(rows, size + 1))
    if len(found) <= size:
        return found, {"hasMore": False}
    return found[:size], {"hasMore": True, "cursor": found[size].id}


def matching(rows: Iterable[R], search: str | None, texts: Callable[[R], Iterable[str]]) -> Iterable[R]:
    """Rows one of whose texts contains `search`, without regard to case and accent; `%` and `_` are plain."""
    if not search:
        return rows
    wanted = fold(search)
    return (row for row in rows if any(wanted in fold(text) for text in texts(row)))
