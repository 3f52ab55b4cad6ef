"""What every role does first: refuse an old schema, and tell the ledger which policy is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from unkey_sync.ledger import migrate
from unkey_sync.ledger.subject_rows import SWEEP

if TYPE_CHECKING:
    from unkey_sync.wiring import Runtime

_FINGERPRINT = "policy"


def check_schema(runtime: Runtime) -> None:
    """Raises Stop when the schema is not this program's; SQLite files are brought up to date instead."""
    if runtime.ledger.engine.dialect.name == "sqlite":
        migrate.upgrade(runtime.ledger.engine)
        return
    migrate.require_head(runtime.ledger.engine)


def adopt_policy(runtime: Runtime) -> None:
    """Look at every subject again when the policy is not the one the ledger was brought up to."""
    with runtime.ledger.transaction() as tx:
        if tx.feeds.setting(_FINGERPRINT) == runtime.policy.fingerprint:
            return
        tx.subjects.add_missing_owners([kind.value for kind in runtime.ownership.kinds], SWEEP)
        count = tx.subjects.mark_all_due(SWEEP)
        tx.feeds.set_setting(_FINGERPRINT, runtime.policy.fingerprint)
    if count:
        structlog.stdlib.get_logger("unkey_sync.worker").info("policy_changed", subjects=count)
