"""Ids of our own rows: sortable by time (for index locality only; nothing is ordered by them), unguessable."""

from __future__ import annotations

import os


def new_id(prefix: str, now: int) -> str:
    """`evt_` + 12 hex digits of milliseconds + 16 random hex digits. `now` in microseconds."""
    return f"{prefix}_{now // 1000:012x}{os.urandom(8).hex()}"


def made_at(row_id: str) -> int:
    """When an id was made, microseconds of our clock, to the millisecond."""
    return int(row_id.rpartition("_")[2][:12], 16) * 1000
