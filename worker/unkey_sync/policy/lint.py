"""Policies that are valid and still probably wrong. Warnings never stop anything; `doctor` shows them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from unkey_sync.policy.document import Policy
    from unkey_sync.policy.plans import MatchRule
    from unkey_sync.tomllines import KeyPath

_USER_EDITABLE = ("unsafe_metadata", "unsafemetadata", "user_metadata", "raw_user_meta_data")
"""Metadata that the customer's own users can write: Clerk, Auth0, Supabase."""


@dataclass(frozen=True, slots=True)
class PolicyWarning:
    """`code` is stable; `path` is the key in the file."""

    code: str
    path: KeyPath
    message: str


def lint(policy: Policy, sources: Collection[str] | None = None) -> tuple[PolicyWarning, ...]:
    """All warnings about a policy. `sources`: names of the configured sources, when they are known."""
    found = chain(
        _user_editable(policy),
        _unreachable(policy),
        _no_default(policy),
        _undeclared_roles(policy),
        _unknown_sources(policy, sources),
    )
    return tuple(found)


def _user_editable(policy: Policy) -> Iterator[PolicyWarning]:
    for position, rule in enumerate(policy.subjects.link):
        if any(word in rule.lower() for word in _USER_EDITABLE):
            message = "users can edit this metadata themselves and so claim another subject's plan"
            yield PolicyWarning("user_editable_metadata", ("subjects", "link", position), message)


def _unreachable(policy: Policy) -> Iterator[PolicyWarning]:
    taken: set[MatchRule] = set()
    for position, plan in sorted(enumerate(policy.plans), key=lambda placed: -placed[1].rank):
        if not plan.default and taken.issuperset(plan.match):
            message = "no purchase leads to this plan: no `match`, or a plan of higher rank matches the same"
            yield PolicyWarning("unreachable_plan", ("plans", position), message)
        taken.update(plan.match)


def _no_default(policy: Policy) -> Iterator[PolicyWarning]:
    if policy.plans and policy.default_plan is None:
        message = "no default plan: a subject without a purchase has no rate limits at all"
        yield PolicyWarning("no_default_plan", ("plans",), message)


def _undeclared_roles(policy: Policy) -> Iterator[PolicyWarning]:
    named: list[tuple[KeyPath, tuple[str, ...]]] = [
        *((("plans", i, "key", "roles"), plan.key.roles) for i, plan in enumerate(policy.plans)),
        *((("role_mapping", role), names) for role, names in policy.role_mapping.items()),
    ]
    for path, names in named:
        if not policy.roles.keys() >= set(names):
            yield PolicyWarning(
                "undeclared_role", path, "names a role that [roles] does not declare; it must exist"
            )


def _unknown_sources(policy: Policy, sources: Collection[str] | None) -> Iterator[PolicyWarning]:
    if sources is None:
        return
    matches = {
        "plans": [plan.match for plan in policy.plans],
        "top_ups": [one.match for one in policy.top_ups],
    }
    for section, lists in matches.items():
        for i, rules in enumerate(lists):
            for j, rule in enumerate(rules):
                if rule.source not in sources:
                    path = (section, i, "match", j, "source")
                    yield PolicyWarning("unknown_source", path, "names a source that is not configured")
