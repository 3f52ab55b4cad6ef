"""What the tests of the native connectors share: each configured the way its vendor's users do, and their samples."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from unkey_sync_connectors.auth0 import Auth0
from unkey_sync_connectors.base import ApiReply, Connector, Gone
from unkey_sync_connectors.keycloak import Keycloak
from unkey_sync_connectors.lago import Lago
from unkey_sync_connectors.okta import Okta
from unkey_sync_connectors.paddle import Paddle
from unkey_sync_connectors.polar import Polar
from unkey_sync_connectors.supabase import Supabase
from unkey_sync_connectors.workos import WorkOS

from tests.unit.connectors.support import NOW, Asked, source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HOOK_SECRET = "whsec_" + base64.b64encode(b"supabase-hook-unit-test").decode()
SECRETS = {
    "workos": "workos_unit",
    "polar": "whsec_polarUnitTestSecret01",
    "paddle": "pdl_ntfset_unit",
    "auth0": "auth0-unit-token",
    "lago": "lago_unit",
    "supabase": "supabase-unit-token",
    "okta": "okta-unit-token",
    "keycloak": "kc_unit",
}
CLASSES: dict[str, Callable[..., Connector]] = {
    "workos": WorkOS,
    "polar": Polar,
    "paddle": Paddle,
    "auth0": Auth0,
    "lago": Lago,
    "supabase": Supabase,
    "okta": Okta,
    "keycloak": Keycloak,
}
KINDS = tuple(CLASSES)


def native(kind: str, **changes: Any) -> Connector:
    return CLASSES[kind](source(kind, **{"secrets": (SECRETS[kind],), **changes}))


def payload(kind: str, event_type: str) -> dict[str, Any]:
    """A sample of ours, to be changed freely."""
    copy: dict[str, Any] = orjson.loads(orjson.dumps(native(kind).samples()[event_type]))
    return copy


@dataclass(slots=True)
class Answers:
    """A source's API in memory. `answers` by path: a value, or a function of the request's parameters."""

    answers: dict[str, Any]
    date: int | None = NOW
    headers: Callable[[str, dict[str, Any]], Mapping[str, str]] = lambda _path, _params: {}
    asked: list[Asked] = field(default_factory=list)

    def get(
        self,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiReply:
        given = dict(params or {})
        self.asked.append(Asked(path, given, dict(headers or {})))
        if path not in self.answers:
            raise Gone(path, date=self.date)
        answer = self.answers[path]
        return ApiReply(answer(given) if callable(answer) else answer, self.date, self.headers(path, given))

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]
