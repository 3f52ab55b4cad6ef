"""Everything Celery can be asked to do. Bodies stay this short; arguments are a public contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.celery_app import DRAIN, PING

if TYPE_CHECKING:
    from celery import Celery

    from unkey_sync.engine.canary import Canary
    from unkey_sync.engine.sweeper import Sweeper


def register(app: Celery, sweeper: Sweeper, canary: Canary) -> None:
    """Tell the app what its messages mean in this process."""

    @app.task(name=DRAIN)  # type: ignore[untyped-decorator]  # celery is untyped
    def drain() -> None:
        sweeper.drain()

    @app.task(name=PING)  # type: ignore[untyped-decorator]  # celery is untyped
    def ping() -> None:
        canary.heard()
