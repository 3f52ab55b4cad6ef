"""Keycloak: users, organisations and their members, and the roles of users, by way of its event extensions.

`shapes` levels the three extensions, `events` says what an event means, `verifying` proves who sent it,
`bodies`, `fetching` and `listing` use the Admin REST API. Groups are not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from unkey_sync_connectors.base import ApiSpec
from unkey_sync_connectors.keycloak import events, fetching, listing
from unkey_sync_connectors.keycloak.verifying import KeycloakVerifier
from unkey_sync_connectors.native import Native, Parts

if TYPE_CHECKING:
    from unkey_sync_connectors.base import SourceConfig
    from unkey_sync_connectors.signing import Proof


class Keycloak(Native):
    kind = "keycloak"
    auth = True
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="", rate_per_s=10)
    """Every installation has an address of its own, so it must be configured."""
    parts = Parts(events.read_delivery, fetching.fetch, listing.pages, listing.catch_up)

    def prove(self, config: SourceConfig) -> Proof:
        return KeycloakVerifier(config)
