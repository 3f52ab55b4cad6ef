"""What every role does first: refuse an old schema, and tell the ledger which policy is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from unkey_sync.ledger import revision
from unkey_sync.ledger.durability import find_weaknesses
from unkey_sync.ledger.subject_rows import SWEEP

if TYPE_CHECKING:
    from unkey_sync.wiring import Runtime

_FINGERPRINT = "policy"
_OWNERS = "owners"
_PAGE = 5_000


def check_schema(runtime: Runtime) -> None:
    """Raises Stop when the schema is not this program's.

    A database whose commits a power failure can undo is used, and every start says so.
    """
    engine = runtime.ledger.engine
    revision.require_head(engine)
    for setting, remedy in find_weaknesses(engine).items():
        structlog.stdlib.get_logger("unkey_sync").error("commits_not_durable", setting=setting, remedy=remedy)


def adopt_policy(runtime: Runtime) -> None:
    """Look at every subject again when the policy is not the one the ledger was brought up to.

    In pages, each a transaction of its own; the policy counts as adopted after the last one.
    """
    owners = ",".join(sorted(runtime.ownership.kinds))
    with runtime.ledger.transaction() as tx:
        known = (tx.feeds.setting(_FINGERPRINT), tx.feeds.setting(_OWNERS))
    if known == (runtime.policy.fingerprint, owners):
        return
    if known[1] != owners:
        _add_owners(runtime)
    count = _wake_all(runtime)
    with runtime.ledger.transaction() as tx:
        tx.feeds.set_setting(_FINGERPRINT, runtime.policy.fingerprint)
        tx.feeds.set_setting(_OWNERS, owners)
    if count:
        structlog.stdlib.get_logger("unkey_sync.worker").info("policy_changed", subjects=count)


def _add_owners(runtime: Runtime) -> None:
    """Entities that own an identity under this policy become subjects."""
    kinds, after = sorted(runtime.ownership.kinds), ""
    while True:
        with runtime.ledger.transaction() as tx:
            names = tx.subjects.owners_page(kinds, after, _PAGE)
            tx.subjects.mark_due(dict.fromkeys(names, SWEEP))
        if not names:
            return
        after = names[-1]


def _wake_all(runtime: Runtime) -> int:
    count, after = 0, ""
    while True:
        with runtime.ledger.transaction() as tx:
            names = tx.subjects.mark_page_due(after, _PAGE, SWEEP)
        if not names:
            return count
        count, after = count + len(names), names[-1]
