"""What the tests of the native connectors share: each configured the way its vendor's users do, and their samples."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from unkey_sync_connectors.auth0 import Auth0
from unkey_sync_connectors.base import ApiReply, ApiStream, Connector, Gone
from unkey_sync_connectors.keycloak import Keycloak
from unkey_sync_connectors.lago import Lago
from unkey_sync_connectors.okta import Okta
from unkey_sync_connectors.paddle import Paddle
from unkey_sync_connectors.polar import Polar
from unkey_sync_connectors.supabase import Supabase
from unkey_sync_connectors.workos import WorkOS

from tests.unit.connectors.support import NOW, Asked, source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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
    """A source's API in memory. `answers` by path: a value, or a function of the request's parameters.

    `told` by path: a function from the parameters to the chunks of a stream, or to what is raised instead.
    """

    answers: dict[str, Any]
    date: int | None = NOW
    headers: Callable[[str, dict[str, Any]], Mapping[str, str]] = lambda _path, _params: {}
    asked: list[Asked] = field(default_factory=list)
    told: dict[str, Callable[[dict[str, Any]], Sequence[bytes] | Gone]] = field(default_factory=dict)
    hung_up: int = 0

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

    @contextmanager
    def stream(
        self,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[ApiStream]:
        given = dict(params or {})
        self.asked.append(Asked(path, given, dict(headers or {})))
        chunks = self.told[path](given) if path in self.told else Gone(path, date=self.date)
        if isinstance(chunks, Gone):
            raise chunks
        yield ApiStream(iter(chunks), self.date)
        self.hung_up += 1

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]
