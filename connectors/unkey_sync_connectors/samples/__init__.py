"""Payloads as the vendors document them, one file per event type, about made-up people only.

For `unkey-sync trigger`, for a connector's `samples()`, and for tests.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping


def load_samples(kind: str) -> Mapping[str, Mapping[str, Any]]:
    """Event type -> payload, for a built-in kind of source; empty for others."""
    folder = files(__name__) / kind
    if not folder.is_dir():
        return {}
    found = sorted(folder.iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".json"): orjson.loads(file.read_bytes()) for file in found}
