"""The policy's JSON Schema, for completion in editors (Taplo: `#:schema ./unkey-sync.schema.json`)."""

from __future__ import annotations

from typing import Any

from unkey_sync.policy.document import Policy

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def export_schema() -> dict[str, Any]:
    """The schema of the policy sections. Other top-level keys are allowed: they belong to the settings."""
    schema = Policy.model_json_schema()
    return {
        "$schema": DIALECT,
        **schema,
        "title": "unkey-sync configuration",
        "additionalProperties": True,
    }
