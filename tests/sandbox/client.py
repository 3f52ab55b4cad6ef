"""How the conformance tests talk to the sandbox: every 200 must be readable for the official SDK's models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unkey.py import models
from unkey_sync.sandbox.errors import DOCS

if TYPE_CHECKING:
    import httpx
    from unkey_sync.testing import UnkeySandbox

UNREADABLE = frozenset({"keys.migrateKeys"})
"""The SDK raises on every fully successful migrateKeys: `failed` is null there (a known deviation)."""


@dataclass(frozen=True)
class Refusal:
    status: int
    kind: str
    detail: str
    locations: tuple[str, ...] | None


class Unkey:
    """Calls by operation name. `ok` wants a 200 and gives `data`; `refused` wants anything else."""

    def __init__(self, sandbox: UnkeySandbox) -> None:
        self.sandbox = sandbox

    def ok(self, operation: str, body: Any, root_key: str = "full") -> Any:
        return self.whole(operation, body, root_key).get("data")

    def whole(self, operation: str, body: Any, root_key: str = "full") -> dict[str, Any]:
        response = self.sandbox.call(operation, body, root_key)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        if operation not in UNREADABLE:
            model_of(operation).model_validate(answer)
        return answer

    def refused(self, operation: str, body: Any, root_key: str = "full") -> Refusal:
        return refusal_of(self.sandbox.call(operation, body, root_key))

    def api(self, name: str = "tested") -> str:
        created: str = self.ok("apis.createApi", {"name": name})["apiId"]
        return created

    def key(self, **body: Any) -> dict[str, Any]:
        """A new key, in an API of its own unless `apiId` is given."""
        created: dict[str, Any] = self.ok(
            "keys.createKey", {"apiId": body.pop("apiId", None) or self.api(), **body}
        )
        return created

    def shown(self, key: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = self.ok("keys.getKey", {"keyId": key["keyId"]})
        return shown

    def verified(self, key: dict[str, Any], **body: Any) -> dict[str, Any]:
        verified: dict[str, Any] = self.ok("keys.verifyKey", {"key": key["key"], **body})
        return verified


def refusal_of(response: httpx.Response) -> Refusal:
    assert response.status_code != 200, response.text
    error = response.json()["error"]
    assert error["status"] == response.status_code
    assert error["type"].startswith(DOCS)
    found = tuple(sorted(finding["location"] for finding in error["errors"])) if "errors" in error else None
    return Refusal(response.status_code, error["type"].removeprefix(DOCS), error["detail"], found)


def model_of(operation: str) -> Any:
    """`keys.createKey` -> the SDK's V2KeysCreateKeyResponseBody."""
    name = "".join(part[0].upper() + part[1:] for part in operation.split("."))
    return getattr(models, f"V2{name.replace('Api', 'API').replace('APIs', 'Apis')}ResponseBody")


def limit(name: str, amount: int = 10, duration: int = 60_000, *, auto: bool = True) -> dict[str, Any]:
    return {"name": name, "limit": amount, "duration": duration, "autoApply": auto}


def numbers(limits: list[dict[str, Any]]) -> dict[str, int]:
    return {entry["name"]: entry["limit"] for entry in limits}
