"""Auth0: users, organisations, their members and the roles that members hold, from event streams.

`bodies` reads Auth0's objects, `events` its CloudEvents, `fetching` and `listing` its Management API, `streaming`
its Events API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from unkey_sync_connectors.auth0 import events, fetching, listing, streaming
from unkey_sync_connectors.base import ApiSpec
from unkey_sync_connectors.credentials import HeaderSecrets
from unkey_sync_connectors.native import Native, Parts

if TYPE_CHECKING:
    from unkey_sync_connectors.base import SourceConfig
    from unkey_sync_connectors.signing import Proof


class Auth0(Native):
    kind = "auth0"
    auth = True
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="", rate_per_s=2)
    """Every tenant has an address of its own, so it must be configured."""
    parts = Parts(events.read_delivery, fetching.fetch, listing.pages, streaming.catch_up)

    def prove(self, config: SourceConfig) -> Proof:
        return HeaderSecrets(secrets=config.secrets)
