"""Progress of long work on stderr: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from unkey_sync.cli.output import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unkey_sync.cli.world import World

    Show = Callable[[int, int | None], None]

LINE_S = 10.0


@contextlib.contextmanager
def progress_on(world: World, name: str) -> Iterator[Show]:
    """A function to call with (done, total or None)."""
    if not world.err.isatty():
        yield _lines(world, name)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=world.err)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(world: World, name: str) -> Show:
    began = world.clock.monotonic()
    said = began

    def show(done: int, total: int | None) -> None:
        nonlocal said
        now = world.clock.monotonic()
        if now - said < LINE_S:
            return
        said = now
        rate = done / max(now - began, 0.001)
        left = f", {(total - done) / rate:.0f} s left" if total and rate else ""
        note(world, f"{name}: {done}{f' of {total}' if total else ''}, {rate:.0f}/s{left}")

    return show
