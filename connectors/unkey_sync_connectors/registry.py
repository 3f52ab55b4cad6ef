"""Connectors by kind, from the entry-point group `unkey_sync.connectors`: ours and other people's alike.

Loading one imports no other. Keeps no state.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, cast

from unkey_sync_connectors.base import ConfigProblem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unkey_sync_connectors.base import Connector, SourceConfig

GROUP = "unkey_sync.connectors"


def known_kinds() -> tuple[str, ...]:
    """The kinds of source that can be configured, sorted."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def load_connector(kind: str) -> type[Connector]:
    """The connector's class. Raises ConfigProblem for an unknown kind, or one that two packages provide."""
    return cast("type[Connector]", select(kind, entry_points(group=GROUP)).load())


def create(config: SourceConfig) -> Connector:
    """The connector for a configured source. Raises ConfigProblem."""
    return load_connector(config.kind)(config)


def select(kind: str, points: Iterable[EntryPoint]) -> EntryPoint:
    """The entry point of a kind. Raises ConfigProblem."""
    by_value = {point.value: point for point in points if point.name == kind}
    if len(by_value) > 1:
        raise ConfigProblem(f"source kind {kind!r} is provided twice: {', '.join(sorted(by_value))}")
    if not by_value:
        known = known_kinds()
        nearest = get_close_matches(kind, known, n=1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(known)}"
        raise ConfigProblem(f"unknown source kind {kind!r}; {hint}")
    return next(iter(by_value.values()))
