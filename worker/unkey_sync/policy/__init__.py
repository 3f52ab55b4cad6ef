"""The user's plans, roles, key slots and lifecycle rules, typed and checked. No expression language."""

from unkey_sync.policy.document import SECTIONS, Policy, contradictions, read_policy
from unkey_sync.policy.keys import Guard, KeySlot, MaxRemovals
from unkey_sync.policy.lifecycle import Lifecycle
from unkey_sync.policy.lint import PolicyWarning, lint
from unkey_sync.policy.plans import MatchRule, PlanSpec, RateLimitRule
from unkey_sync.policy.schema import export_schema
from unkey_sync.policy.shape import Duration, format_duration, parse_duration
from unkey_sync.policy.topups import TopUpRule

__all__ = [
    "SECTIONS",
    "Duration",
    "Guard",
    "KeySlot",
    "Lifecycle",
    "MatchRule",
    "MaxRemovals",
    "PlanSpec",
    "Policy",
    "PolicyWarning",
    "RateLimitRule",
    "TopUpRule",
    "contradictions",
    "export_schema",
    "format_duration",
    "lint",
    "parse_duration",
    "read_policy",
]
