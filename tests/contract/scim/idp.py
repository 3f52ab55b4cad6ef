"""An identity provider that provisions through one tenant's desk, and what the ledger then knows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import sqlalchemy as sa
from scim2_models import EnterpriseUser, User
from scim2_server.requests import ScimRequest
from unkey_sync.ledger.codec import load_register
from unkey_sync.ledger.scim_rows import ResourceRow
from unkey_sync.ledger.tables import events, facts

if TYPE_CHECKING:
    from scim2_server.responses import ScimResponse
    from unkey_sync.facts import Register
    from unkey_sync.ledger.store import Ledger
    from unkey_sync.scim.desk import Desk

BASE = "https://sync.example.com/scim/v2"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


class IdentityProvider:
    """Calls like `idp.post("/Users", {...})` give the response; `facts` and `events` what became of them."""

    def __init__(self, desk: Desk, ledger: Ledger, tenant: str) -> None:
        self._desk = desk
        self._ledger = ledger
        self._tenant = tenant

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> ScimResponse:
        parts = urlsplit(path)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = ScimRequest(
            method=method,
            base_url=BASE,
            path="/" + parts.path.lstrip("/"),
            query=dict(parse_qsl(parts.query)),
            headers={"content-type": "application/scim+json", **named},
            body=b"" if body is None else orjson.dumps(body),
        )
        return self._desk.answer(self._tenant, request)

    def get(self, path: str, **headers: str) -> ScimResponse:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any) -> ScimResponse:
        return self.ask("POST", path, body)

    def put(self, path: str, body: Any, **headers: str) -> ScimResponse:
        return self.ask("PUT", path, body, **headers)

    def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> ScimResponse:
        return self.ask("PATCH", path, {"schemas": [PATCH], "Operations": operations}, **headers)

    def delete(self, path: str, **headers: str) -> ScimResponse:
        return self.ask("DELETE", path, **headers)

    def user(self, name: str, **more: Any) -> str:
        """Creates a user; its id."""
        return self._made(self.post("/Users", {"schemas": [USER], "userName": name, **more}))

    def group(self, name: str, *members: str, **more: Any) -> str:
        """Creates a group; its id."""
        listed = [{"value": one} for one in members]
        body = {"schemas": [GROUP], "displayName": name, "members": listed, **more}
        return self._made(self.post("/Groups", body))

    def bulk(self, *operations: dict[str, Any], **more: Any) -> ScimResponse:
        return self.post("/Bulk", {"schemas": [BULK], "Operations": operations, **more})

    def crowd(self, count: int) -> list[str]:
        """Users by the thousand, stored as POST stores them but for the events; their ids."""
        vault = self._desk._open().vault
        ids = [f"{number:032x}" for number in range(count)]
        with self._ledger.transaction() as tx:
            for number, one in enumerate(ids):
                said = {"userName": f"user{number}", "emails": [{"value": f"user{number}@example.com"}]}
                user = User[EnterpriseUser].model_validate(said)
                name, _ = vault.hashes(self._tenant, "User", user)
                row = ResourceRow(
                    source=self._tenant, kind="User", id=one, version=1, created_at=1,
                    name_hash=name, external_hash=None, sealed=b"",
                )  # fmt: skip
                sealed = replace(row, sealed=vault.seal(user, row))
                tx.scim.save(sealed, vault.hashes_of_emails(self._tenant, user))
        return ids

    def show(self, path: str) -> dict[str, Any]:
        """The resource as it is read back."""
        return dict(self.get(path).body or {})

    def members(self, group: str) -> set[str]:
        return {one["value"] for one in self.show(f"Groups/{group}").get("members", [])}

    def find(self, path: str) -> list[str]:
        """The ids of what a query finds."""
        return [one["id"] for one in self.show(path).get("Resources", [])]

    def fact(self, kind: str, entity_id: str) -> Register:
        """What is known of an entity."""
        query = sa.select(facts.c.register).where(
            facts.c.source == self._tenant, facts.c.entity_kind == kind, facts.c.entity_id == entity_id
        )
        with self._ledger.engine.connect() as connection:
            return load_register(connection.execute(query).scalar_one())

    def said(self) -> list[tuple[str, str]]:
        """Type and entity of every event of this tenant, in the order of their arrival."""
        query = sa.select(events).where(events.c.source == self._tenant).order_by(events.c.id)
        with self._ledger.engine.connect() as connection:
            return [(row["type"], row["entity_id"]) for row in connection.execute(query).mappings()]

    def _made(self, response: ScimResponse) -> str:
        assert response.status == 201, response.body
        assert response.body is not None
        return str(response.body["id"])
