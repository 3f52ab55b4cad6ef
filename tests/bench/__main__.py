"""`make bench`: figures, each beside a bare loop of the same run. `python -m tests.bench [names] [--json] [--long]`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from tests import servers
from tests.bench import applying, backfilling, growing, receiving, reconciling, waking, weighing
from tests.bench.figures import to_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.bench.figures import Figure

BENCHES: dict[str, Callable[[], Iterable[Figure]]] = {
    "receiving": receiving.measure,
    "applying": applying.measure,
    "reconciling": reconciling.measure,
    "backfilling": backfilling.measure,
    "waking": waking.measure,
    "weighing": weighing.measure,
}
LONG: dict[str, Callable[[], Iterable[Figure]]] = {"growing": growing.measure}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument(
        "names", nargs="*", help=f"some of {', '.join({**BENCHES, **LONG})}; all without a name"
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON instead of a table")
    parser.add_argument("--long", action="store_true", help="with the growth to a million subjects")
    chosen = parser.parse_args()
    known = {**BENCHES, **LONG}
    if unknown := set(chosen.names) - set(known):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    names = chosen.names or (known if chosen.long else BENCHES)
    figures = list(_run(known[name] for name in names))
    servers.stop_started()
    print(json.dumps([one.as_json() for one in figures], indent=1) if chosen.json else to_table(figures))


def _run(benches: Iterable[Callable[[], Iterable[Figure]]]) -> Iterator[Figure]:
    for bench in benches:
        for figure in bench():
            print(f"{figure.what}: {figure.value:,.2f} {figure.unit}", file=sys.stderr)
            yield figure


if __name__ == "__main__":
    main()
