"""apis.*: the one configured API. Creating APIs is no business of ours: a lost one cannot be found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.unkey import limits, models
from unkey_sync.unkey.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.unkey.session import Session


class Apis:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self) -> models.Api:
        """The configured API. Raises `Stop` when it is gone or may not be read."""
        return self._session.one(ENDPOINTS["apis.getApi"], self._api(), models.Api)

    def list_keys(self, *, external_id: str | None = None) -> Iterator[models.Key]:
        """Keys of one identity, or of the whole API. Disabled and expired ones included; not a snapshot."""
        body = self._api()
        if external_id is not None:
            body["externalId"] = limits.text("externalId", external_id)
        return self._session.every(ENDPOINTS["apis.listKeys"], body, models.Key)

    def _api(self) -> dict[str, str]:
        return {"apiId": limits.text("apiId", self._session.config.api_id, limits.OBJECT_ID)}
