"""What a bench says: figures with their bare loops and targets, and the table they are printed as."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bound for a figure, or for its ratio to the bare loop where `ratio` is True."""

    least: float = -math.inf
    most: float = math.inf
    ratio: bool = False

    def __str__(self) -> str:
        sign, bound = ("≥", self.least) if self.most == math.inf else ("≤", self.most)
        return f"{sign} {bound:g}" + (" of bare" if self.ratio else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measurement. `bare` is the same unit, measured in the same run, of what `beside` says."""

    what: str
    value: float
    unit: str
    bare: float | None = None
    beside: str = ""
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.bare if self.bare else None

    @property
    def met(self) -> bool | None:
        """None where there is no target."""
        if self.target is None:
            return None
        judged = self.ratio if self.target.ratio else self.value
        return judged is not None and self.target.least <= judged <= self.target.most

    def as_json(self) -> dict[str, object]:
        return {
            **asdict(self),
            "target": str(self.target) if self.target else None,
            "ratio": self.ratio,
            "met": self.met,
        }


_HEAD = ("what", "figure", "bare loop", "ratio", "target", "met?")


def to_table(figures: Sequence[Figure]) -> str:
    """A Markdown table, padded so that a terminal shows it well, too."""
    rows = [_HEAD, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    bare = f"{_number(figure.bare)} ({figure.beside})" if figure.bare is not None else ""
    return (
        figure.what,
        f"{_number(figure.value)} {figure.unit}",
        bare,
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
        str(figure.target or ""),
        {None: "", True: "yes", False: "NO"}[figure.met],
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
