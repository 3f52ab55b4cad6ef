"""identities.*: one method per operation.

External ids are in Unkey's alphabet already; reactions as in errors.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unkey_sync.unkey import limits, models
from unkey_sync.unkey.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync.model import RateLimit
    from unkey_sync.unkey.session import Session


class Identities:
    def __init__(self, session: Session) -> None:
        self._session = session

    def create(
        self, *, external_id: str, meta: Mapping[str, Any], ratelimits: Sequence[RateLimit]
    ) -> models.CreatedIdentity:
        """Raises `Adopt` when the external id has an identity already; nothing is changed then."""
        body = {
            "externalId": limits.text("externalId", external_id, limits.EXTERNAL_ID),
            "meta": limits.identity_meta(meta),
            "ratelimits": limits.ratelimits("ratelimits", ratelimits),
        }
        return self._session.one(ENDPOINTS["identities.createIdentity"], body, models.CreatedIdentity)

    def get(self, *, external_id: str) -> models.Identity:
        """Raises `Relink` when there is none, which within seconds of a create proves nothing."""
        body = {"identity": limits.text("identity", external_id)}
        return self._session.one(ENDPOINTS["identities.getIdentity"], body, models.Identity)

    def update(
        self,
        *,
        external_id: str,
        meta: Mapping[str, Any] | None = None,
        ratelimits: Sequence[RateLimit] | None = None,
    ) -> models.UpdatedIdentity:
        """Replaces meta and rate limits wholly.

        None leaves one as it is. One writer per identity, or they mix.
        """
        body: dict[str, Any] = {"identity": limits.text("identity", external_id)}
        if meta is not None:
            body["meta"] = limits.identity_meta(meta)
        if ratelimits is not None:
            body["ratelimits"] = limits.ratelimits("ratelimits", ratelimits)
        return self._session.one(ENDPOINTS["identities.updateIdentity"], body, models.UpdatedIdentity)

    def delete(self, *, external_id: str) -> None:
        """Raises `Relink` when there is none. Its keys stay valid: they are dealt with first."""
        body = {"identity": limits.text("identity", external_id)}
        self._session.one(ENDPOINTS["identities.deleteIdentity"], body, models.Done)

    def every(self) -> Iterator[models.Identity]:
        """In no useful order and not a snapshot: what is created meanwhile may be missed."""
        return self._session.every(ENDPOINTS["identities.listIdentities"], {}, models.Identity)
