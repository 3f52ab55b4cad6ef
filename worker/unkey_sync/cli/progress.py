"""Progress of long work on stderr: a bar on a terminal, a line every ten seconds elsewhere. Both tell rate and ETA."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from unkey_sync.cli.output import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unkey_sync.cli.world import World

    Show = Callable[[int, int | None, int], None]

LINE_S = 10.0


@contextlib.contextmanager
def progress_on(world: World, name: str) -> Iterator[Show]:
    """A function to call with (done, total or None, failures)."""
    if not world.err.isatty():
        yield _lines(world, name)
        return
    with _bar(world, name) as show:
        yield show


@contextlib.contextmanager
def _bar(world: World, name: str) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}"),
    )
    with Progress(*columns, console=Console(file=world.err), transient=True) as bar:
        task = bar.add_task(name, total=None, rate="", failed="")
        rate_of = _meter(world)

        def show(done: int, total: int | None, failures: int = 0) -> None:
            failed = f"{failures} failed" if failures else ""
            bar.update(task, completed=done, total=total, rate=f"{rate_of(done):.0f}/s", failed=failed)

        yield show


def _lines(world: World, name: str) -> Show:
    rate_of = _meter(world)
    said = world.clock.monotonic()

    def show(done: int, total: int | None, failures: int = 0) -> None:
        nonlocal said
        now, rate = world.clock.monotonic(), rate_of(done)
        if now - said < LINE_S:
            return
        said = now
        note(world, _line(name, done, total, rate) + (f", {failures} failed" if failures else ""))

    return show


def _line(name: str, done: int, total: int | None, rate: float) -> str:
    of = f" of {total}" if total else ""
    left = f", {max(total - done, 0) / rate:.0f} s left" if total and rate else ""
    return f"{name}: {done}{of}, {rate:.0f}/s{left}"


def _meter(world: World) -> Callable[[int], float]:
    """Objects a second since now; what an earlier run has done does not count."""
    began = world.clock.monotonic()
    first: list[int] = []

    def rate_of(done: int) -> float:
        first[:] = first or [done]
        return (done - first[0]) / max(world.clock.monotonic() - began, 0.001)

    return rate_of
