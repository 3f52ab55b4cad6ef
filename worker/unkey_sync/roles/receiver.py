"""The receiver: webhooks in, rows down, answer out. Needs the database; never Redis, never Unkey."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync import reports
from unkey_sync.bell import bell_for
from unkey_sync.roles.start import check_schema
from unkey_sync.scim.mount import scim_routes
from unkey_sync.telemetry.ledger_gauges import LedgerGauges
from unkey_sync.web.app import ReceiverApp, create_pages
from unkey_sync.web.group_commit import GroupCommit
from unkey_sync.web.health import health_routes
from unkey_sync.web.hooks import HookParts, Hooks
from unkey_sync.web.protocol import Limits
from unkey_sync.web.serve import Listen
from unkey_sync.web.serve import run as serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.routing import BaseRoute

    from unkey_sync.wiring import Runtime


def run(runtime: Runtime, on_ready: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    check_schema(runtime)
    bell = bell_for(runtime)
    try:
        return serve(create_receiver(runtime, bell.ring), listen(runtime), on_ready)
    finally:
        bell.close()
        runtime.close()


def create_receiver(
    runtime: Runtime, ring: Callable[[], None], pages: Sequence[BaseRoute] = ()
) -> ReceiverApp:
    """The receiver's ASGI application."""
    store = GroupCommit(runtime.inbox.accept, ring)
    metrics = runtime.metrics
    metrics.register(LedgerGauges(lambda: reports.gauges(runtime)))
    hooks = Hooks(
        HookParts(
            connectors=runtime.receiving,
            store=store,
            clock=runtime.clock,
            metrics=metrics.receiver,
            body_limit=runtime.settings.web.body_limit_bytes,
        )
    )
    scim = scim_routes(runtime, ring)
    routes = [*health_routes(lambda: check_ledger(runtime), metrics), *scim, *pages]
    return ReceiverApp(hooks, create_pages(routes), store)


def check_ledger(runtime: Runtime) -> None:
    """Raises Retry when the database does not answer."""
    with runtime.ledger.transaction() as tx:
        tx.feeds.setting("policy")


def listen(runtime: Runtime) -> Listen:
    web = runtime.settings.web
    limits = Limits(connections=web.max_connections)
    return Listen(host=web.host, port=web.port, drain_s=web.drain_s, limits=limits)
