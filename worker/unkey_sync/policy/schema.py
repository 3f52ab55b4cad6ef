"""The policy's JSON Schema, for completion in editors (Taplo: `#:schema ./unkey-sync.schema.json`)."""

from __future__ import annotations

from typing import Any

from unkey_sync.policy.document import Policy
from unkey_sync.policy.shape import DURATION_PATTERN, format_duration

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def export_schema() -> dict[str, Any]:
    """The schema of the policy sections. Other top-level keys are allowed: they belong to the settings."""
    schema = Policy.model_json_schema()
    _say_durations(schema)
    return {
        "$schema": DIALECT,
        **schema,
        "title": "unkey-sync configuration",
        "description": "Plans, roles, key slots and lifecycle rules. docs/policy.md explains each key.",
        "additionalProperties": True,
    }


def _say_durations(node: Any) -> None:
    """pydantic shows the default of a duration as we hold it, in microseconds; the file says `7d`."""
    if isinstance(node, dict):
        if node.get("pattern") == DURATION_PATTERN and "default" in node:
            node["default"] = format_duration(node["default"])
        for inner in node.values():
            _say_durations(inner)
