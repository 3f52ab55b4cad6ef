"""The JSON Schema of the whole config file: settings and policy."""

from __future__ import annotations

from typing import Any

from unkey_sync.policy import export_schema
from unkey_sync.settings.model import Settings


def file_schema() -> dict[str, Any]:
    """For editors. References like `env:NAME` are strings, too, so every scalar setting stays what it is."""
    settings, policy = Settings.model_json_schema(), export_schema()
    return policy | {
        "properties": settings["properties"] | policy["properties"],
        "$defs": settings["$defs"] | policy.get("$defs", {}),
        "additionalProperties": False,
    }
