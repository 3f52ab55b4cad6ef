"""What was called, for tests and people: the last calls, newest last, without secrets."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

_SECRET_FIELDS = frozenset({"key", "hash", "plaintext"})


@dataclass(frozen=True, slots=True)
class Entry:
    """`root_key`: the alias, or None if the call was not authenticated. `at`: milliseconds of the sandbox's
    clock.

    `status` is what the server decided, None if it never answered; `fault` names what was done to the call or
    to its answer.
    """

    operation: str
    status: int | None
    root_key: str | None
    request_id: str
    at: int
    committed: bool
    body: Any
    fault: str | None = None

    def shown(self) -> dict[str, Any]:
        return {
            "operation": self.operation,
            "status": self.status,
            "root_key": self.root_key,
            "request_id": self.request_id,
            "at": self.at,
            "committed": self.committed,
            "fault": self.fault,
            "body": without_secrets(self.body),
        }


class History:
    def __init__(self, size: int = 10_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def entries(self) -> list[Entry]:
        return list(self._entries)

    def clear(self) -> None:
        self._entries.clear()


def without_secrets(body: Any) -> Any:
    """The body with key texts and hashes replaced; a caller's own meta stays as it is."""
    if isinstance(body, list):
        return [without_secrets(item) for item in body]
    if not isinstance(body, dict):
        return body
    return {
        name: "(secret)" if name in _SECRET_FIELDS else value if name == "meta" else without_secrets(value)
        for name, value in body.items()
    }
