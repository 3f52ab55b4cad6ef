"""permissions.*: permissions and roles. Unkey has no operation that renames or redescribes either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.unkey import limits, models
from unkey_sync.unkey.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unkey_sync.unkey.session import Session


class Permissions:
    """Permissions are addressed by slug; case and accents do not distinguish them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(self, *, slug: str, name: str, description: str = "") -> models.CreatedPermission:
        """Raises `Adopt` when the slug exists."""
        body = {
            "slug": limits.text("slug", slug, limits.SLUG, 128),
            "name": limits.text("name", name, longest=512),
            **_description(description),
        }
        return self._session.one(ENDPOINTS["permissions.createPermission"], body, models.CreatedPermission)

    def get(self, slug: str) -> models.Permission:
        body = {"permission": limits.text("permission", slug, limits.SLUG, 128)}
        return self._session.one(ENDPOINTS["permissions.getPermission"], body, models.Permission)

    def delete(self, slug: str) -> None:
        """For good, and off every key and role at once."""
        body = {"permission": limits.text("permission", slug, limits.SLUG, 128)}
        self._session.one(ENDPOINTS["permissions.deletePermission"], body, models.Done)

    def every(self) -> Iterator[models.Permission]:
        return self._session.every(ENDPOINTS["permissions.listPermissions"], {}, models.Permission)


class Roles:
    def __init__(self, session: Session) -> None:
        self._session = session

    def create(
        self, *, name: str, permissions: Iterable[str] = (), description: str = ""
    ) -> models.CreatedRole:
        """Raises `Adopt` when the name exists. Missing permissions are created."""
        body = {
            "name": limits.text("name", name, longest=128),
            "permissions": limits.slugs("permissions", permissions, most=None),
            **_description(description),
        }
        return self._session.one(ENDPOINTS["permissions.createRole"], body, models.CreatedRole)

    def get(self, name: str) -> models.Role:
        body = {"role": limits.text("role", name, longest=128)}
        return self._session.one(ENDPOINTS["permissions.getRole"], body, models.Role)

    def delete(self, name: str) -> None:
        """For good, and off every key at once."""
        body = {"role": limits.text("role", name, longest=128)}
        self._session.one(ENDPOINTS["permissions.deleteRole"], body, models.Done)

    def every(self) -> Iterator[models.Role]:
        return self._session.every(ENDPOINTS["permissions.listRoles"], {}, models.Role)

    def set_permissions(self, role_id: str, slugs: Iterable[str]) -> list[models.Permission]:
        """Exact replacement, by role id (a name is refused); missing permissions are created."""
        body = {
            "roleId": limits.text("roleId", role_id, limits.OBJECT_ID),
            "permissions": limits.slugs("permissions", slugs, most=None),
        }
        return self._session.some(ENDPOINTS["permissions.setRolePermissions"], body, models.Permission)


def _description(description: str) -> dict[str, str]:
    return {"description": limits.text("description", description, longest=512)} if description else {}
