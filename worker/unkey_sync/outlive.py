"""What a thread that must not die does with whatever one of its rounds raises: write it down, count it, go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from unkey_sync.errors import SyncError

if TYPE_CHECKING:
    from collections.abc import Callable

    import structlog

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlive:
    """`passing`, `defect`: names of the log lines; `count` is told of every defect."""

    log: structlog.stdlib.BoundLogger
    passing: str
    defect: str
    count: Callable[[], None]

    def __call__(self, once: Callable[[], T], otherwise: T) -> T:
        try:
            return once()
        except SyncError as error:
            self.log.warning(self.passing, error_code=error.code, error=str(error))
        except Exception:
            self.log.exception(self.defect)
            self.count()
        return otherwise


def uncounted() -> None:
    """For those who run without metrics."""
