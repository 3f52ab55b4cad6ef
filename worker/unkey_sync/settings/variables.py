"""The environment variables, as data: which setting each one sets.

The only module that touches the environment.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable.

    `many`: several values separated by commas. `switches_on`: it makes its source exist.
    """

    name: str
    path: KeyPath
    many: bool = False
    switches_on: bool = False


GENERAL: Final = (
    Variable("UNKEY_ROOT_KEY", ("unkey", "root_key")),
    Variable("UNKEY_BASE_URL", ("unkey", "base_url")),
    Variable("UNKEY_API_ID", ("unkey", "api_id")),
    Variable("UNKEY_MIGRATION_ID", ("unkey", "migration_id")),
    Variable("UNKEY_SYNC_DATABASE_URL", ("database", "url")),
    Variable("UNKEY_SYNC_BROKER_URL", ("broker", "url")),
    Variable("UNKEY_SYNC_STATE_DIR", ("state_dir",)),
    Variable("UNKEY_SYNC_HOST", ("web", "host")),
    Variable("UNKEY_SYNC_PORT", ("web", "port")),
    Variable("UNKEY_SYNC_PROBE_PORT", ("web", "probe_port")),
    Variable("UNKEY_SYNC_LOG_LEVEL", ("logging", "level")),
    Variable("UNKEY_SYNC_LOG_FORMAT", ("logging", "format")),
    Variable("UNKEY_SYNC_SECRET_KEY", ("secrets", "keys"), many=True),
    Variable("UNKEY_SYNC_HANDOVER_URL", ("handover_webhook", "url")),
    Variable("UNKEY_SYNC_HANDOVER_SECRETS", ("handover_webhook", "secrets"), many=True),
    Variable("UNKEY_SYNC_ADMIN_TOKEN", ("web", "admin_token")),
    Variable("UNKEY_SYNC_SWEEP_INTERVAL", ("timings", "sweep_interval_s")),
    Variable("UNKEY_SYNC_LEASE", ("timings", "lease_s")),
    Variable("UNKEY_SYNC_RETRY_BASE", ("timings", "retry_base_s")),
    Variable("UNKEY_SYNC_SETTLE", ("timings", "settle_s")),
)

WEBHOOK_SECRETS: Final = {
    "clerk": "CLERK_WEBHOOK_SIGNING_SECRET",
    "stripe": "STRIPE_WEBHOOK_SECRET",
    "workos": "WORKOS_WEBHOOK_SECRET",
    "polar": "POLAR_WEBHOOK_SECRET",
    "paddle": "PADDLE_WEBHOOK_SECRET",
    "lago": "LAGO_WEBHOOK_SECRET",
    "auth0": "AUTH0_WEBHOOK_TOKEN",
    "supabase": "SUPABASE_WEBHOOK_SECRET",
    "okta": "OKTA_WEBHOOK_TOKEN",
    "keycloak": "KEYCLOAK_WEBHOOK_SECRET",
    "scim": "SCIM_BEARER_TOKEN",
}
API_KEYS: Final = {"clerk": "CLERK_SECRET_KEY"}
"""Where the vendor's own name for its key is not `<SOURCE>_API_KEY`."""

SOURCES: Final = tuple(
    variable
    for kind, secret_name in WEBHOOK_SECRETS.items()
    for variable in (
        Variable(secret_name, ("sources", kind, "webhook_secrets"), many=True, switches_on=True),
        Variable(
            API_KEYS.get(kind, f"{kind.upper()}_API_KEY"), ("sources", kind, "api_key"), switches_on=True
        ),
        Variable(f"{kind.upper()}_API_BASE", ("sources", kind, "api_base")),
    )
)

CONFIG_VARIABLE: Final = "UNKEY_SYNC_CONFIG"
ALL: Final = GENERAL + SOURCES


def process_environment() -> Mapping[str, str]:
    """The environment of this process. Everybody else is handed a mapping."""
    return os.environ  # noqa: TID251  -- the one place


def api_key_variable(kind: str) -> str:
    """The environment variable that holds the API key of a source of this kind."""
    return API_KEYS.get(kind, f"{kind.upper()}_API_KEY")
