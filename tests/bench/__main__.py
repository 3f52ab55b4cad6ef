"""`make bench`: figures, each beside a bare loop of the same run. `python -m tests.bench [names] [--json] [--long]`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from tests import servers
from tests.bench import applying, receiving
from tests.bench.figures import to_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.bench.figures import Figure

BENCHES: dict[str, Callable[[], Iterable[Figure]]] = {
    "receiving": receiving.measure,
    "applying": applying.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", choices=[[], *BENCHES], help="which benches; all without a name")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures: list[Figure] = []
    for name in chosen.names or BENCHES:
        for figure in BENCHES[name]():
            print(f"{figure.what}: {figure.value:,.2f} {figure.unit}", file=sys.stderr)
            figures.append(figure)
    servers.stop_started()
    print(json.dumps([one.as_json() for one in figures], indent=1) if chosen.json else to_table(figures))


if __name__ == "__main__":
    main()
