"""Every operation by its Unkey name. What is not listed here does not exist for the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.operations import (
    apis,
    counting,
    identities,
    key_grants,
    keys,
    migrate,
    overrides,
    permissions,
    roles,
    updates,
    verify,
)

Operation = Callable[[Call], Reply]

OPERATIONS: MappingProxyType[str, Operation] = MappingProxyType(
    {
        "apis.createApi": apis.create_api,
        "apis.deleteApi": apis.delete_api,
        "apis.getApi": apis.get_api,
        "apis.listKeys": apis.list_keys,
        "identities.createIdentity": identities.create_identity,
        "identities.deleteIdentity": identities.delete_identity,
        "identities.getIdentity": identities.get_identity,
        "identities.listIdentities": identities.list_identities,
        "identities.updateIdentity": identities.update_identity,
        "keys.addPermissions": key_grants.add_permissions,
        "keys.addRoles": key_grants.add_roles,
        "keys.createKey": keys.create_key,
        "keys.deleteKey": keys.delete_key,
        "keys.getKey": keys.get_key,
        "keys.migrateKeys": migrate.migrate_keys,
        "keys.removePermissions": key_grants.remove_permissions,
        "keys.removeRoles": key_grants.remove_roles,
        "keys.rerollKey": keys.reroll_key,
        "keys.setPermissions": key_grants.set_permissions,
        "keys.setRoles": key_grants.set_roles,
        "keys.updateCredits": updates.update_credits,
        "keys.updateKey": updates.update_key,
        "keys.verifyKey": verify.verify_key,
        "keys.whoami": keys.whoami,
        "permissions.createPermission": permissions.create_permission,
        "permissions.createRole": roles.create_role,
        "permissions.deletePermission": permissions.delete_permission,
        "permissions.deleteRole": roles.delete_role,
        "permissions.getPermission": permissions.get_permission,
        "permissions.getRole": roles.get_role,
        "permissions.listPermissions": permissions.list_permissions,
        "permissions.listRoles": roles.list_roles,
        "permissions.setRolePermissions": roles.set_role_permissions,
        "ratelimit.deleteOverride": overrides.delete_override,
        "ratelimit.getOverride": overrides.get_override,
        "ratelimit.limit": counting.limit,
        "ratelimit.listOverrides": overrides.list_overrides,
        "ratelimit.multiLimit": counting.multi_limit,
        "ratelimit.setOverride": overrides.set_override,
    }
)
