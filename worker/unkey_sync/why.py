"""The rows of `unkey-sync why SUBJECT`: each desired field, its value, and the reason. Prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unkey_sync.model import Desired, Reason


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the explanation."""

    field: str
    value: str
    because: str


def explain_rows(desired: Desired) -> tuple[Row, ...]:
    """All fields in the order in which they were decided, then what a person must look at."""
    fields = (Row(reason.field, reason.value, _because(reason)) for reason in desired.reasons)
    problems = (
        Row("problem", problem.text, f"no rule covers it (event {problem.event_id})")
        for problem in desired.problems
    )
    return (*fields, *problems)


def _because(reason: Reason) -> str:
    """`plans[1].match[0], by stripe customer.subscription.updated (event evt_1)`."""
    if not reason.event_id:
        return reason.rule
    return f"{reason.rule}, by {reason.source} {reason.event_type} (event {reason.event_id})"
