"""The sandbox as a process, seen as its operator sees it (control) and as a customer sees it (official SDK)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
from unkey.py import Unkey
from unkey.py.errors import NotFoundErrorResponse

from tests.e2e.processes import Program

if TYPE_CHECKING:
    from pathlib import Path

EFFECTIVE = range(200, 300)


class Upstream:
    """An Unkey that can be told to fail. The SDK repeats nothing."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
        self.program = Program(["sandbox", "--port", "0", *arguments], environment, folder)
        ready = self.program.ready()
        self.url: str = ready["url"]
        self.port = int(self.url.rpartition(":")[2])
        self.root_key: str = ready["root_keys"]["full"]
        self.api_id: str = ready["apis"]["main"]
        self._control = httpx.Client(base_url=f"{self.url}/_sandbox", trust_env=False)
        self.sdk = Unkey(root_key=self.root_key, server_url=self.url, retry_config=None)

    def close(self) -> None:
        self._control.close()
        self.program.stop()

    def fault(self, **rule: Any) -> None:
        self._control.post("/faults", json=rule).raise_for_status()

    def heal(self) -> None:
        self._control.delete("/faults").raise_for_status()

    def calls(self, operation: str = "", subject: str = "") -> list[dict[str, Any]]:
        """What was called, oldest first; `subject` as it stands in the body."""
        entries: list[dict[str, Any]] = self._control.get("/history").json()["calls"]
        return [
            one
            for one in entries
            if one["operation"].startswith(operation) and subject in ("", _subject_of(one))
        ]

    def created(self, subject: str) -> int:
        """How many creations of this identity took effect."""
        found = self.calls("identities.createIdentity", subject)
        return sum(one["committed"] and one["status"] in EFFECTIVE for one in found)

    def identities(self, subject: str) -> list[dict[str, Any]]:
        """Every identity row of this external id, deleted ones left out."""
        rows = self._control.get("/state").json()["identities"]
        return [row for row in rows if row["external_id"] == subject and not row["deleted"]]

    def identity(self, subject: str) -> Any:
        """The identity as the official SDK sees it; None when there is none."""
        try:
            return self.sdk.identities.get_identity(identity=subject).data
        except NotFoundErrorResponse:
            return None

    def limits(self, subject: str) -> list[int]:
        found = self.identity(subject)
        return [] if found is None else [limit.limit for limit in found.ratelimits or []]

    def make_key(self, subject: str, *, enabled: bool = True) -> str:
        """A key issued by the customer's own code; its plaintext."""
        made = self.sdk.keys.create_key(api_id=self.api_id, external_id=subject, enabled=enabled)
        return made.data.key

    def verdict(self, key: str) -> str:
        return str(self.sdk.keys.verify_key(key=key).data.code.value)


def _subject_of(entry: dict[str, Any]) -> str:
    body = entry["body"] if isinstance(entry["body"], dict) else {}
    return str(body.get("externalId") or body.get("identity") or "")
