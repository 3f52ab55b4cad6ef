"""Plans and results of turns as JSON-ready values, in the one form that every `--plan --json` shows."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync.model import Observed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unkey_sync.engine.planner import Planner
    from unkey_sync.engine.work import Result, Work


def preview(works: Iterable[Work], planner: Planner) -> dict[str, Any]:
    """What the next turns of these subjects would begin with. `hash` changes when any of it does."""
    return _document([row for work in works for row in _planned(work, planner)])


def performed(result: Result) -> dict[str, Any]:
    """What a turn has done."""
    external_id = result.desired.external_id if result.desired else result.work.subject
    return _document(
        [
            {
                "subject": external_id,
                "operation": row.call,
                "before": orjson.loads(row.before),
                "after": orjson.loads(row.after),
                "why": row.why,
            }
            for row in result.operations
        ]
    )


def _planned(work: Work, planner: Planner) -> list[dict[str, Any]]:
    observed = work.identity.observed if work.identity else Observed()
    desired, plan = planner.plan(work.state(), observed)
    return [
        {
            "subject": desired.external_id,
            "operation": operation.call.value,
            "before": operation.before,
            "after": operation.after,
            "why": operation.why,
        }
        for operation in plan.operations
    ]


def _document(operations: list[dict[str, Any]]) -> dict[str, Any]:
    digest = hashlib.sha256(orjson.dumps(operations, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    return {
        "hash": digest,
        "summary": dict(Counter(one["operation"] for one in operations)),
        "operations": operations,
    }
