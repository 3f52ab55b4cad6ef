"""A SCIM request in, a SCIM response out: a tenant's storage behind scim2-server's handler. Knows no HTTP server."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from scim2_models import (
    Error,
    InvalidValueException,
    SCIMException,
    UnauthorizedException,
)
from scim2_server.errors import UnsupportedMediaTypeException
from scim2_server.responses import ScimResponse

from unkey_sync.errors import Park, Retry, SyncError
from unkey_sync.ledger.fact_rows import Raced
from unkey_sync.scim.handler import Handler, Service
from unkey_sync.scim.provider import create_provider
from unkey_sync.scim.storage import Backing, TenantStorage
from unkey_sync.scim.vault import open_vault
from unkey_sync.web.body import BODY_LIMIT

if TYPE_CHECKING:
    from scim2_server.requests import ScimRequest

    from unkey_sync.clock import Clock
    from unkey_sync.inbox import Inbox
    from unkey_sync.ledger.store import Ledger
    from unkey_sync.seal import Sealer

_RACES = 8
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Desk:
    """Answers requests of tenants that have proven who they are. Safe to share between threads."""

    def __init__(
        self, ledger: Ledger, inbox: Inbox, sealer: Sealer, clock: Clock, *, payload_limit: int = BODY_LIMIT
    ) -> None:
        self._ledger = ledger
        self._inbox = inbox
        self._sealer = sealer
        self._clock = clock
        self._payload_limit = payload_limit
        self._provider = create_provider(payload_limit)
        self._service = Service(self._provider)
        self._backing: Backing | None = None
        self._log = structlog.get_logger("unkey_sync.scim")

    def answer(self, tenant: str, request: ScimRequest) -> ScimResponse:
        """The response, after the commit of whatever it reports."""
        try:
            return self._carry_out(tenant, request)
        except SCIMException as refusal:
            return self._service.error_response(refusal)
        except Park:
            problem = InvalidValueException(detail="A value cannot be stored")
            return self._service.error_response(problem)
        except SyncError as error:
            self._log.warning("scim_not_stored", source=tenant, error_code=error.code)
            return _come_back()

    def refuse(self) -> ScimResponse:
        """The answer to a request without a valid token."""
        return self._service.error_response(UnauthorizedException())

    def turn_away(self, status: int) -> ScimResponse:
        """The answer to a body that was not read: larger than told in the configuration (413), or no JSON (415)."""
        too_large = self._service.payload_too_large(self._payload_limit)
        problem = (
            too_large if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else UnsupportedMediaTypeException()
        )
        return self._service.error_response(problem)

    def _carry_out(self, tenant: str, request: ScimRequest) -> ScimResponse:
        backing = self._open()
        writes = request.method.upper() not in _READS and not request.path.endswith("/.search")
        for _ in range(_RACES):
            try:
                return Handler(self._service, TenantStorage(tenant, backing, writes=writes)).handle(request)
            except Raced:
                continue
        raise Retry("too many writers on the same facts")

    def _open(self) -> Backing:
        """Made with the first request: a receiver starts while the database is away."""
        if self._backing is None:
            self._backing = Backing(
                ledger=self._ledger,
                inbox=self._inbox,
                vault=open_vault(self._ledger, self._sealer),
                clock=self._clock,
                provider=self._provider,
            )
        return self._backing


def _come_back() -> ScimResponse:
    error = Error(status=503, detail="This cannot be done now. Send it again.")
    return ScimResponse(HTTPStatus.SERVICE_UNAVAILABLE, error.model_dump(), {"Retry-After": "5"})
