"""What a Celery project usually does, for comparison: one task per event. Not part of the product.

`python -m tests.bench.task_per_event`, with its settings in BENCH_BROKER, BENCH_DATABASE and BENCH_UPSTREAM, is one
worker process with 64 threads. A task claims its row, makes one call with a shared httpx.Client, records it.
"""

from __future__ import annotations

import os

import httpx
import sqlalchemy as sa
from celery import Celery

from tests.bench.bare_calls import LIMITS, META

TABLE = "CREATE TABLE bench_rows (id integer PRIMARY KEY, state text NOT NULL)"
QUEUE = "unkey-sync-bench"


def create_app(broker: str) -> Celery:
    app = Celery("bench", broker=broker, set_as_current=False)
    app.conf.update(task_ignore_result=True, task_default_queue=QUEUE, worker_hijack_root_logger=False)
    return app


def main() -> None:
    app = create_app(os.environ["BENCH_BROKER"])
    engine = sa.create_engine(
        os.environ["BENCH_DATABASE"].replace("postgresql:", "postgresql+psycopg:", 1),
        pool_size=16,
        max_overflow=0,
    )
    client = httpx.Client(
        base_url=os.environ["BENCH_UPSTREAM"], timeout=30, limits=httpx.Limits(max_connections=64)
    )
    set_state = sa.text("UPDATE bench_rows SET state = :state WHERE id = :id")

    @app.task(name="bench.apply")
    def apply(number: int) -> None:
        with engine.begin() as connection:
            connection.execute(set_state, {"id": number, "state": "claimed"})
        body = {"externalId": f"user_{number}", "meta": META, "ratelimits": LIMITS}
        client.post("/v2/identities.createIdentity", json=body).raise_for_status()
        with engine.begin() as connection:
            connection.execute(set_state, {"id": number, "state": "done"})

    app.Worker(pool="threads", concurrency=64, loglevel="ERROR", quiet=True, without_gossip=True).start()


if __name__ == "__main__":
    main()
