"""keys.*: one method per operation.

rerollKey is missing on purpose: two effects in one call, neither repeatable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from unkey_sync.errors import Park
from unkey_sync.unkey import bodies, limits, models
from unkey_sync.unkey.endpoints import ENDPOINTS, SET_CREDITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unkey_sync.unkey.secret import SecretText
    from unkey_sync.unkey.session import Session
    from unkey_sync.unkey.wanted import ImportedKey, KeyPatch, NewKey

MAX_IMPORT = 1000


class Keys:
    def __init__(self, session: Session) -> None:
        self._session = session

    def create(self, key: NewKey) -> models.CreatedKey:
        """Every call makes another key and is sent once.

        `Unknown`: a key may exist whose secret nobody has.
        """
        body = bodies.new_key(key, self._session.config.api_id)
        return self._session.one(ENDPOINTS["keys.createKey"], body, models.CreatedKey)

    def update(self, key_id: str, patch: KeyPatch) -> None:
        """An unknown external id in the patch makes a new identity; check it against the ledger first."""
        self._session.one(ENDPOINTS["keys.updateKey"], bodies.key_patch(key_id, patch), models.Done)

    def delete(self, key_id: str, *, permanent: bool = False) -> None:
        """Raises `Relink` when the key is gone.

        Unkey's nodes may accept it once more for up to ten minutes.
        """
        body = {"keyId": bodies.this_key(key_id), "permanent": permanent}
        self._session.one(ENDPOINTS["keys.deleteKey"], body, models.Done)

    def get(self, key_id: str) -> models.Key:
        return self._session.one(ENDPOINTS["keys.getKey"], {"keyId": bodies.this_key(key_id)}, models.Key)

    def whoami(self, key: SecretText) -> models.Key:
        """The key with this secret. Raises `Relink` when there is none."""
        return self._session.one(ENDPOINTS["keys.whoami"], {"key": key.reveal()}, models.Key)

    def verify(self, key: SecretText) -> models.Verification:
        """For doctor and demo only: it counts as use of the key (a cost of 0 spends no credit)."""
        body = {"key": key.reveal(), "credits": {"cost": 0}}
        return self._session.one(ENDPOINTS["keys.verifyKey"], body, models.Verification)

    def set_credits(self, key_id: str, remaining: int) -> models.StoredCredits:
        """Absolute, so repeatable.

        Credits spent meanwhile come back. To make a key unlimited, use `update`.
        """
        value = limits.whole("value", remaining, 0)
        body = {"keyId": bodies.this_key(key_id), "operation": "set", "value": value}
        return self._session.one(SET_CREDITS, body, models.StoredCredits)

    def change_credits(
        self, key_id: str, *, operation: Literal["increment", "decrement"], by: int
    ) -> models.StoredCredits:
        """Relative: sent once. `Unknown` cannot be resolved by reading back and needs a person."""
        value = limits.whole("value", by, 1)
        body = {"keyId": bodies.this_key(key_id), "operation": operation, "value": value}
        return self._session.one(ENDPOINTS["keys.updateCredits"], body, models.StoredCredits)

    def import_all(self, *, migration_id: str, keys: Sequence[ImportedKey]) -> models.MigratedKeys:
        """Keys with secrets made by us.

        Sending them again makes nothing new. At most 1000, hashes distinct.
        """
        distinct = {imported.hash: bodies.imported_key(imported) for imported in keys}
        if not 1 <= len(distinct) <= MAX_IMPORT or len(distinct) < len(keys):
            raise Park(f"keys: 1 to {MAX_IMPORT} entries with distinct hashes are sent at once")
        body = {
            "migrationId": limits.text("migrationId", migration_id),
            "apiId": limits.text("apiId", self._session.config.api_id, limits.OBJECT_ID),
            "keys": list(distinct.values()),
        }
        return self._session.one(ENDPOINTS["keys.migrateKeys"], body, models.MigratedKeys)

    def set_roles(self, key_id: str, names: Iterable[str]) -> list[models.Role]:
        """Exact replacement. Raises `Relink` when a role is unknown; nothing is changed then."""
        return self._roles("keys.setRoles", key_id, names)

    def add_roles(self, key_id: str, names: Iterable[str]) -> list[models.Role]:
        """One at a time per key: parallel calls with one role fail."""
        return self._roles("keys.addRoles", key_id, names)

    def remove_roles(self, key_id: str, names: Iterable[str]) -> list[models.Role]:
        return self._roles("keys.removeRoles", key_id, names)

    def set_permissions(self, key_id: str, slugs: Iterable[str]) -> list[models.Permission]:
        """Exact replacement of the direct permissions; missing ones are created."""
        return self._permissions("keys.setPermissions", key_id, slugs)

    def add_permissions(self, key_id: str, slugs: Iterable[str]) -> list[models.Permission]:
        return self._permissions("keys.addPermissions", key_id, slugs)

    def remove_permissions(self, key_id: str, slugs: Iterable[str]) -> list[models.Permission]:
        """Raises `Relink` when a slug is unknown to the workspace."""
        return self._permissions("keys.removePermissions", key_id, slugs)

    def _roles(self, operation: str, key_id: str, names: Iterable[str]) -> list[models.Role]:
        body = {"keyId": bodies.this_key(key_id), "roles": limits.role_names("roles", names)}
        return self._session.some(ENDPOINTS[operation], _not_empty(operation, body, "roles"), models.Role)

    def _permissions(self, operation: str, key_id: str, slugs: Iterable[str]) -> list[models.Permission]:
        body = {"keyId": bodies.this_key(key_id), "permissions": limits.slugs("permissions", slugs)}
        wanted = _not_empty(operation, body, "permissions")
        return self._session.some(ENDPOINTS[operation], wanted, models.Permission)


def _not_empty(operation: str, body: dict[str, Any], field: str) -> dict[str, Any]:
    if not body[field] and not operation.startswith("keys.set"):
        raise Park(f"{field} must not be empty in {operation}", operation=operation)
    return body
