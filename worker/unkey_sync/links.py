"""Which subject a billing customer names, as a function of the *set* of what is known about that customer.

Order of arrival plays no part: link rules decide first, then the kind of entity, then the newest version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors.event import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync.model import Fact

_TRUST = {Kind.CUSTOMER: 0, Kind.CHECKOUT: 1, Kind.SUBSCRIPTION: 2, Kind.ORDER: 3}
"""Who is believed first. Other kinds name no subject."""

_METADATA = "metadata."

_STAND_IN = "?"


def stand_in(source: str, customer: str) -> str:
    """A subject in name only, for a customer that names nobody *as far as is known*.

    Its facts are in doubt: somebody has to ask the source, and work is done by subject.
    """
    return f"{_STAND_IN}{source}:{customer}"


def is_stand_in(subject: str) -> bool:
    """Nothing is ever made in Unkey for a stand-in."""
    return subject.startswith(_STAND_IN)


def compute_link(facts: Sequence[Fact], rules: Sequence[str]) -> str | None:
    """The subject named by one customer's facts (customer, checkouts, subscriptions, orders), or None.

    Rules apply in their order; within one rule a customer speaks before a checkout, a checkout before a
    subscription, that before an order, a newer fact before an older. Deleted facts are asked only when no
    living one answers.
    """
    voters = sorted((fact for fact in facts if fact.entity.kind in _TRUST), key=_precedence)
    living = [fact for fact in voters if not fact.deleted]
    return _first_answer(living, rules) or _first_answer(voters, rules)


def _first_answer(voters: Sequence[Fact], rules: Sequence[str]) -> str | None:
    answers = (_read(fact, rule) for rule in rules for fact in voters)
    return next((answer for answer in answers if answer), None)


def _precedence(fact: Fact) -> tuple[int, int, str, str]:
    return _TRUST[fact.entity.kind], -fact.version, fact.entity.id, fact.source


def _read(fact: Fact, rule: str) -> str | None:
    if rule == "id":
        return fact.entity.id if fact.entity.kind is Kind.CUSTOMER else None
    if rule.startswith(_METADATA):
        metadata = fact.body.get("metadata")
        return _text(metadata.get(rule.removeprefix(_METADATA))) if isinstance(metadata, dict) else None
    return _text(fact.body.get(rule))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
