"""Dry run as a transport: reads pass, everything that would change Unkey is written down instead of sent.

Sitting under the whole client, it cannot be forgotten. What it does not know it neither sends nor answers.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from unkey_sync.unkey.endpoints import ENDPOINTS, Effect

_SECRET_FIELDS = frozenset({"key"})
_LISTS = frozenset(
    name for name in ENDPOINTS if name.startswith(("keys.set", "keys.add", "keys.remove", "permissions.set"))
)
_PLAUSIBLE: dict[str, dict[str, Any]] = {
    "identities.createIdentity": {"identityId": "id_dryrun"},
    "identities.updateIdentity": {"id": "id_dryrun", "externalId": "dryrun"},
    "keys.createKey": {"keyId": "key_dryrun", "key": "dryrun"},
    "keys.updateCredits": {"remaining": None},
    "keys.migrateKeys": {"migrated": [], "failed": None},
    "keys.verifyKey": {"valid": False, "code": "NOT_FOUND"},
    "permissions.createPermission": {"permissionId": "perm_dryrun"},
    "permissions.createRole": {"roleId": "role_dryrun"},
}


class Recorded(Exception):  # noqa: N818 -- named after what happened
    """A call that the recorder does not know was stopped. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """`operation` by Unkey's name; `body` as it would have been sent, without key plaintexts."""

    operation: str
    body: dict[str, Any] = field(repr=False)


class Recorder(httpx.BaseTransport):
    """Thread-safe. `calls`: what would have been sent, in order."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._calls: list[RecordedCall] = []

    @property
    def calls(self) -> tuple[RecordedCall, ...]:
        with self._lock:
            return tuple(self._calls)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        operation = request.url.path.rpartition("/")[2]
        endpoint = ENDPOINTS.get(operation)
        if endpoint is None:
            raise Recorded(f"dry run: {operation} is unknown and was not sent")
        if endpoint.effect is Effect.READ:
            return self._inner.handle_request(request)
        body = {
            name: value for name, value in orjson.loads(request.read()).items() if name not in _SECRET_FIELDS
        }
        with self._lock:
            self._calls.append(RecordedCall(operation, body))
        return _plausible(operation)

    def close(self) -> None:
        self._inner.close()


def _plausible(operation: str) -> httpx.Response:
    data: Any = [] if operation in _LISTS else _PLAUSIBLE.get(operation, {})
    return httpx.Response(200, json={"meta": {"requestId": "req_dryrun"}, "data": data})
