"""The receiver with a store that forgets: verify, parse and answer alone. The bare loop beside acceptance."""

from __future__ import annotations

import json

from unkey_sync.deployment import deployment_of
from unkey_sync.intake import Intake, Receipt
from unkey_sync.roles.receiver import listen
from unkey_sync.settings import load_settings
from unkey_sync.telemetry.metrics import Metrics
from unkey_sync.web.app import ReceiverApp, create_pages
from unkey_sync.web.group_commit import GroupCommit
from unkey_sync.web.hooks import HookParts, Hooks
from unkey_sync.web.serve import run
from unkey_sync.wiring import Runtime


class Forgetful(GroupCommit):
    """Says yes at once."""

    async def store(self, intake: Intake) -> Receipt:
        return Receipt(len(intake.events), 0)


def main() -> None:
    runtime = Runtime(deployment_of(load_settings()))
    store = Forgetful(lambda intakes: [], lambda: None)
    metrics = Metrics("bench", "receiver").receiver
    parts = HookParts(connectors=runtime.receiving, store=store, clock=runtime.clock, metrics=metrics)
    app = ReceiverApp(Hooks(parts), create_pages([]), store)
    run(app, listen(runtime), lambda url: print(json.dumps({"url": url}), flush=True))


if __name__ == "__main__":
    main()
