"""What fake APIs of sources have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors.base import ApiStream, Gone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager


class NoStreams:
    """An API like most: none of its answers goes on."""

    def stream(
        self,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[ApiStream]:
        raise Gone(path)
