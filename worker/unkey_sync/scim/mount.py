"""Where SCIM joins a receiver, if a SCIM source is configured. Loads scim2-server then, and only then."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from unkey_sync.errors import ConfigError
from unkey_sync.scim.tenants import Tenants

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from starlette.routing import BaseRoute

    from unkey_sync.wiring import Runtime

ENDPOINT = "unkey_sync.scim.endpoint"
_REMEDY = "source {source} needs the optional extra: pip install 'unkey-sync[scim]'"


def scim_routes(
    runtime: Runtime, ring: Callable[[], None], load: Callable[[str], ModuleType] = import_module
) -> Sequence[BaseRoute]:
    """The routes below /scim/v2; none without a SCIM source that has a token. Raises ConfigError."""
    found = {name: one for name, one in runtime.settings.sources.items() if one.kind == "scim"}
    tokens = {
        name: [secret.get_secret_value() for secret in one.webhook_secrets] for name, one in found.items()
    }
    tokens = {name: secrets for name, secrets in tokens.items() if secrets}
    if not tokens:
        return []
    tenants = Tenants(tokens)
    try:
        module = load(ENDPOINT)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("scim2_"):
            raise
        raise ConfigError(_REMEDY.format(source=min(tokens))) from error
    routes: Sequence[BaseRoute] = module.create_routes(runtime, tenants, ring)
    return routes
