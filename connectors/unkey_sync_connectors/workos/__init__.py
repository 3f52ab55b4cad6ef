"""WorkOS: AuthKit's users, organisations and memberships, and the users of Directory Sync.

`bodies` reads WorkOS's objects, `events` its webhooks and event feed, `fetching` and `listing` its API.
Directory groups are not read: see docs/sources/workos.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from unkey_sync_connectors.base import ApiSpec
from unkey_sync_connectors.native import Native, Parts
from unkey_sync_connectors.signing import Scheme, Unit, Verifier
from unkey_sync_connectors.timestamps import DAY
from unkey_sync_connectors.workos import events, fetching, listing

if TYPE_CHECKING:
    from unkey_sync_connectors.base import SourceConfig
    from unkey_sync_connectors.signing import Proof

SCHEME = Scheme(
    signature=("workos-signature",),
    prefix="{timestamp}.",
    label="v1",
    timestamp_label="t",
    unit=Unit.MILLISECONDS,
    times=re.compile(r"\d{12,14}", re.ASCII),
)
"""`t=…, v1=…` with milliseconds (WorkOS's Python SDK, webhooks); the secret is used whole."""

MAX_TOLERANCE_S = 180
"""What WorkOS's own SDK allows; configuration can only shorten it."""


class WorkOS(Native):
    kind = "workos"
    auth = True
    api: ClassVar[ApiSpec | None] = ApiSpec(base_url="https://api.workos.com", rate_per_s=20)
    feed_keeps: ClassVar[int | None] = 30 * DAY
    parts = Parts(events.read_delivery, fetching.fetch, listing.pages, listing.catch_up)

    def prove(self, config: SourceConfig) -> Proof:
        tolerance_s = min(config.tolerance_s, MAX_TOLERANCE_S)
        return Verifier(scheme=SCHEME, secrets=config.secrets, tolerance_s=tolerance_s)
