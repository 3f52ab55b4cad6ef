"""/metrics, /healthz and /readyz of the roles that have no other page: worker, scheduler, consumer.

Off unless a port is given: several workers on one machine must not fight for one port by default.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from unkey_sync.roles.receiver import check_ledger
from unkey_sync.web.app import create_pages
from unkey_sync.web.health import health_routes
from unkey_sync.web.protocol import Limits
from unkey_sync.web.serve import Listen, Server, bind

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.wiring import Runtime

_CONNECTIONS = 32
_STOP_S = 5.0


class Probe:
    """One small server in a thread of its own; nothing at all without a port."""

    def __init__(self, runtime: Runtime, on_ready: Callable[[str], None]) -> None:
        self._runtime = runtime
        self._on_ready = on_ready
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Raises Stop when the address cannot be used."""
        web = self._runtime.settings.web
        if web.probe_port is None:
            return
        where = Listen(host=web.host, port=web.probe_port, drain_s=1, limits=Limits(connections=_CONNECTIONS))
        listener = bind(where)
        routes = health_routes(lambda: check_ledger(self._runtime), self._runtime.metrics)
        self._server = Server(create_pages(routes), where, self._on_ready)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="probe", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=_STOP_S)
