"""The APIs of WorkOS, Okta, Keycloak and Supabase as they are seen over HTTP (Auth0's is in worlds_auth0.py).

Users are `user_0000000` and so on in every world. `block` changes one, `remove` deletes one; both write what the
vendor would write to its log. What the vendor refuses (a missing parameter, a page too large) is refused.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from bisect import bisect_right
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import orjson
from unkey_sync.clock import DAY, SECOND
from unkey_sync_connectors.samples import load_samples
from unkey_sync_connectors.timestamps import to_iso

from tests.contract.feeds.worlds import BEGAN_S, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.clock import Clock


class Answered(Exception):  # noqa: N818
    """A route's own answer, other than 200 with JSON."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.response = response


class AuthWorld(World):
    """Users in order of creation. `updated`: id -> seconds; `blocked`: ids; `log`: what happened, oldest first."""

    kind: ClassVar[str]
    account = ""

    def __init__(self, clock: Clock, count: int) -> None:
        super().__init__(clock)
        self.ids = [f"user_{number:07}" for number in range(count)]
        self.updated: dict[str, int] = {}
        self.blocked: set[str] = set()
        self.log: list[dict[str, Any]] = []
        self.samples = load_samples(self.kind)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return super().handle_request(request)
        except Answered as answered:
            return answered.response

    def block(self, user_id: str, at_s: int) -> None:
        self.blocked.add(user_id)
        self.updated[user_id] = at_s
        self.log.append(self.entry("changed", user_id, at_s))

    def remove(self, user_id: str, at_s: int) -> None:
        self.ids.remove(user_id)
        self.log.append(self.entry("removed", user_id, at_s))

    @abstractmethod
    def entry(self, what: str, user_id: str, at_s: int) -> dict[str, Any]:
        """What the vendor writes to its log when a user has `changed` or was `removed`."""

    def delivery(self, entry: dict[str, Any]) -> bytes:
        """The webhook's body that tells an entry of the log."""
        return orjson.dumps(entry)

    @abstractmethod
    def user(self, user_id: str) -> dict[str, Any]:
        """As the API shows one."""

    def each_user(self, prefix: str) -> dict[str, Callable[[httpx.QueryParams], Any]]:
        """A route for each user by its id."""

        def one(user_id: str) -> Callable[[httpx.QueryParams], Any]:
            return lambda _: self.user(user_id) if user_id in self.ids else None

        return {f"{prefix}/{user_id}": one(user_id) for user_id in self.ids}

    def updated_iso(self, user_id: str) -> str:
        return to_iso(self.updated.get(user_id, BEGAN_S) * SECOND)

    def answer(self, status: int, content: Any, headers: tuple[tuple[str, str], ...] = ()) -> httpx.Response:
        date = ("date", formatdate(self.clock.now() // SECOND, usegmt=True))
        return httpx.Response(status, headers=[date, *headers], content=orjson.dumps(content))

    def refuse(self, *, unless: bool, why: str) -> None:
        if not unless:
            raise Answered(self.answer(422, {"message": why}))


class WorkosWorld(AuthWorld):
    """WorkOS: cursors are ids, behind `list_metadata.after`; events of thirty days, for which types must be named."""

    kind = "workos"

    def __init__(self, clock: Clock, count: int) -> None:
        super().__init__(clock, count)
        self.routes = {
            "/user_management/users": lambda params: self._page(params, self.ids, self.user),
            "/organizations": lambda params: self._page(params, ["org_1"], lambda one: {"id": one}),
            "/user_management/organization_memberships": self._memberships,
            "/directories": lambda params: self._page(params, [], dict),
            "/events": self._events,
        }

    def entry(self, what: str, user_id: str, at_s: int) -> dict[str, Any]:
        sample = self.samples["user.deleted" if what == "removed" else "user.updated"]
        event = copy.deepcopy(dict(sample))
        event.update(
            id=f"event_{len(self.log):026}", created_at=to_iso(at_s * SECOND), data=self.user(user_id)
        )
        return event

    def user(self, user_id: str) -> dict[str, Any]:
        own = {"id": user_id, "external_id": None, "updated_at": self.updated_iso(user_id)}
        metadata = {"user_id": "blocked" if user_id in self.blocked else "free"}
        return {**self.samples["user.updated"]["data"], **own, "metadata": metadata}

    def _memberships(self, params: httpx.QueryParams) -> Any:
        self.refuse(unless="organization_id" in params or "user_id" in params, why="user or organization")
        self.refuse(unless="statuses[]" in params, why="inactive ones are shown on demand only")
        return self._page(params, self.ids[:2], self._membership)

    def _membership(self, user_id: str) -> dict[str, Any]:
        own = {"id": f"om_{user_id}", "organization_id": "org_1", "user_id": user_id}
        return {**self.samples["organization_membership.updated"]["data"], **own}

    def _events(self, params: httpx.QueryParams) -> Any:
        wanted = set(params.get_list("events[]"))
        self.refuse(unless=bool(wanted), why="events is required")
        self.refuse(unless=("after" in params) != ("range_start" in params), why="after or range_start")
        floor = max(params.get("range_start", ""), to_iso(self.clock.now() - 30 * DAY))
        kept = {one["id"]: one for one in self.log if one["event"] in wanted and one["created_at"] >= floor}
        return self._page(params, list(kept), kept.__getitem__)

    def _page(self, params: httpx.QueryParams, ids: list[str], row: Any) -> Any:
        limit = int(params["limit"])
        self.refuse(unless=limit <= 100, why="limit")
        start = bisect_right(ids, params["after"]) if "after" in params else 0
        chosen = ids[start : start + limit]
        more = start + limit < len(ids)
        metadata = {"before": None, "after": chosen[-1] if more else None}
        return {"object": "list", "data": [row(one) for one in chosen], "list_metadata": metadata}


class OktaWorld(AuthWorld):
    """Okta: pages behind Link headers, two of them; deprovisioned users on demand; a log whose next page always is."""

    kind = "okta"
    shows_objects = True
    most_rows = 100
    """How many the server gives, however many it is asked for."""

    def __init__(self, clock: Clock, count: int) -> None:
        super().__init__(clock, count)
        self.routes = {
            "/api/v1/users": self._users,
            "/api/v1/groups": lambda params: self._page("/api/v1/groups", params, [{"id": "grp_1"}], 200),
            "/api/v1/groups/grp_1/users": lambda params: self._page(
                "/api/v1/groups/grp_1/users", params, [self.user(one) for one in self.ids[:2]], 200
            ),
            "/api/v1/logs": self._logs,
            **self.each_user("/api/v1/users"),
        }

    def entry(self, what: str, user_id: str, at_s: int) -> dict[str, Any]:
        told = "user.lifecycle.delete.initiated" if what == "removed" else "user.lifecycle.suspend"
        event: dict[str, Any] = copy.deepcopy(dict(self.samples[told]["data"]["events"][0]))
        event.update(uuid=f"uuid-{len(self.log):06}", published=to_iso(at_s * SECOND))
        event["target"][0]["id"] = user_id
        return event

    def delivery(self, entry: dict[str, Any]) -> bytes:
        batch = self.samples["user.lifecycle.suspend"]
        return orjson.dumps({**batch, "data": {"events": [entry]}})

    def user(self, user_id: str) -> dict[str, Any]:
        status = "SUSPENDED" if user_id in self.blocked else "ACTIVE"
        return {"id": user_id, "status": status, "lastUpdated": self.updated_iso(user_id), "profile": {}}

    def _users(self, params: httpx.QueryParams) -> Any:
        gone = params.get("filter") == 'status eq "DEPROVISIONED"'
        return self._page("/api/v1/users", params, [] if gone else [self.user(one) for one in self.ids], 200)

    def _logs(self, params: httpx.QueryParams) -> Any:
        self.refuse(unless=params.get("sortOrder") == "ASCENDING", why="newest first would miss the late")
        found = [
            one
            for one in self.log
            if one["published"] >= params["since"] and f'"{one["eventType"]}"' in params["filter"]
        ]
        return self._page("/api/v1/logs", params, found, 1_000, polled=True)

    def _page(
        self, path: str, params: httpx.QueryParams, rows: list[Any], most: int, *, polled: bool = False
    ) -> Any:
        limit, keys = int(params["limit"]), [str(one.get("uuid") or one["id"]) for one in rows]
        start = bisect_right(keys, params["after"]) if "after" in params else 0
        self.refuse(unless=limit <= most, why="limit")
        chosen = rows[start : start + min(limit, self.most_rows)]
        here = f"https://acme-example.okta.com{path}"
        links = [("link", f'<{here}?limit={limit}>; rel="self"')]
        if polled or start + len(chosen) < len(rows):
            reached = keys[start + len(chosen) - 1] if chosen else params.get("after", "0")
            following = httpx.QueryParams({**dict(params), "after": reached})
            links.append(("link", f'<{here}?{following}>; rel="next"'))
        raise Answered(self.answer(200, chosen, tuple(links)))


class KeycloakWorld(AuthWorld):
    """A realm: pages by first and max; events newest first and by day, and none unless `stores`."""

    kind = "keycloak"
    shows_objects = True
    account = "acme"
    stores = True

    def __init__(self, clock: Clock, count: int) -> None:
        super().__init__(clock, count)
        base = "/admin/realms/acme"
        self.routes = {
            f"{base}/users": lambda params: self._page(params, [self.user(one) for one in self.ids]),
            f"{base}/admin-events": self._events,
            f"{base}/events": lambda params: self._page(params, []),
            **self.each_user(f"{base}/users"),
        }

    def entry(self, what: str, user_id: str, at_s: int) -> dict[str, Any]:
        event = {
            "id": f"kc-{len(self.log):06}",
            "time": at_s * 1_000,
            "realmId": "acme",
            "operationType": "DELETE" if what == "removed" else "UPDATE",
            "resourceType": "USER",
            "resourcePath": f"users/{user_id}",
        }
        if what == "removed":
            return event
        return {**event, "representation": orjson.dumps(self.user(user_id)).decode()}

    def user(self, user_id: str) -> dict[str, Any]:
        return {"id": user_id, "username": user_id, "enabled": user_id not in self.blocked}

    def _events(self, params: httpx.QueryParams) -> Any:
        stored = self.log if self.stores else []
        recent = [one for one in stored if to_iso(one["time"] * 1_000)[:10] >= params["dateFrom"]]
        return self._page(params, recent[::-1])

    def _page(self, params: httpx.QueryParams, rows: list[Any]) -> list[Any]:
        first = int(params.get("first", 0))
        return rows[first : first + int(params.get("max", 100))]


class SupabaseWorld(AuthWorld):
    """Supabase Auth: numbered pages, the newest user first, nothing about change and no log."""

    kind = "supabase"

    def __init__(self, clock: Clock, count: int) -> None:
        super().__init__(clock, count)
        self.routes = {"/auth/v1/admin/users": self._users}

    def entry(self, what: str, user_id: str, at_s: int) -> dict[str, Any]:
        return {"what": what, "id": user_id, "at": at_s}

    def user(self, user_id: str) -> dict[str, Any]:
        banned = {"banned_until": "2999-01-01T00:00:00Z"} if user_id in self.blocked else {}
        return {"id": user_id, "app_metadata": {}, "updated_at": self.updated_iso(user_id), **banned}

    def _users(self, params: httpx.QueryParams) -> Any:
        size = int(params["per_page"])
        start = (int(params["page"]) - 1) * size
        rows = [self.user(one) for one in self.ids[::-1][start : start + size]]
        counted = (("x-total-count", str(len(self.ids))),)
        raise Answered(self.answer(200, {"users": rows, "aud": "authenticated"}, counted))
