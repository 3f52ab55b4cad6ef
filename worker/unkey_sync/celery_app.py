"""Celery wiring: what carries nudges from one process to another. It knows nothing of events or Unkey.

Reasons for the settings that are not defaults are in docs/operations.md; the short form: a nudge may be lost, the
row may not, so nothing is retried, stored, delayed or acknowledged late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Celery
from kombu.entity import Queue
from kombu.exceptions import OperationalError

if TYPE_CHECKING:
    from collections.abc import Callable

DRAIN = "unkey_sync.drain"
PING = "unkey_sync.ping"
QUEUE = "unkey-sync"
BROKER_FAILURES: tuple[type[Exception], ...] = (OperationalError, OSError)


def create_app(broker_url: str) -> Celery:
    """A Celery app of our own; not the process's current one."""
    app = Celery("unkey_sync", set_as_current=False)
    app.conf.update(celery_config(broker_url))
    return app


def nudge(app: Celery) -> Callable[[], None]:
    """A function that sends one bell message. Raises BROKER_FAILURES when the broker is away."""

    def send() -> None:
        app.send_task(DRAIN, queue=QUEUE, retry=False, ignore_result=True)

    return send


def ping(app: Celery, queue: str) -> Callable[[], None]:
    """A function that sends this process a message to itself. Raises BROKER_FAILURES when the broker is away."""

    def send() -> None:
        app.send_task(PING, queue=queue, retry=False, ignore_result=True, expires=60)

    return send


def listen_on(app: Celery, owner: str) -> str:
    """Let a consumer of this app read the common queue and one of its own, whose name is returned."""
    own = f"{QUEUE}.{owner}"
    app.conf.task_queues = [Queue(QUEUE), Queue(own, auto_delete=True, durable=False)]
    return own


def celery_config(broker_url: str) -> dict[str, Any]:
    return {
        "broker_url": "memory://localhost/" if broker_url == "memory://" else broker_url,
        "broker_transport_options": transport_options(broker_url),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_pool_limit": 4,
        "task_publish_retry": False,
        "task_acks_late": False,
        "task_ignore_result": True,
        "result_backend": None,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_default_queue": QUEUE,
        "worker_prefetch_multiplier": 1,
        "worker_concurrency": 2,
        # Without remote control a busy consumer never notices that Redis was restarted.
        "worker_enable_remote_control": not broker_url.startswith("memory:"),
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "timezone": "UTC",
        "enable_utc": True,
    }


def transport_options(broker_url: str) -> dict[str, Any]:
    scheme = broker_url.split(":", 1)[0]
    if scheme == "memory":
        return {"polling_interval": 0.01}
    if scheme in ("redis", "rediss"):
        return {
            "global_keyprefix": "unkey-sync:",
            "visibility_timeout": 60,
            "unacked_restore_interval": 5,
            "socket_timeout": 2,
            "socket_connect_timeout": 1,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "retry_on_timeout": False,
            "max_connections": 20,
        }
    return {}
