"""Backfill at size, beside a bare loop over the same pages: python -m tests.contract.feeds.bench_backfill [N [SOURCE]]

For each source: a bare listing, a listing with 429s, moving pages and kills, and a second listing of what has not
changed. Memory: this process's peak beyond what it was when the fake source stood.
"""

from __future__ import annotations

import json
import resource
import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

from unkey_sync.feeder import Wanted
from unkey_sync.ledger import migrate
from unkey_sync.ledger.store import Ledger
from unkey_sync_connectors.event import Kind

from tests import servers
from tests.contract.feeds.given import Killed, Site, end_of
from tests.contract.feeds.worlds import BEGAN_S, too_many

if TYPE_CHECKING:
    import httpx

PATIENT = Wanted(patience=5)


def bare(site: Site) -> tuple[int, float]:
    """Rows, and seconds to fetch and decode every page and do nothing with it."""
    began, rows = perf_counter(), 0
    paths = {"clerk": ("/v1/users",), "stripe": ("/v1/subscriptions", "/v1/customers")}[site.kind]
    for path in paths:
        params: dict[str, Any] = {"limit": {"clerk": 500, "stripe": 100}[site.kind]}
        while True:
            data = site.access.api.get(path, params).data
            page = data if isinstance(data, list) else data["data"]
            rows += len(page)
            if len(page) < params["limit"]:
                break
            params["starting_after"] = page[-1]["id"]
    return rows, perf_counter() - began


def nemesis(site: Site) -> list[int]:
    """429 on every 23rd call, a kill on every 37th, a row gone and a row new on every 10th; the kills so far."""
    kills: list[int] = []

    def before(call: int) -> httpx.Response | None:
        if call % 10 == 0:
            move(site, call)
        if call % 23 == 0:
            return too_many()
        if call % 37 == 0:
            kills.append(call)
            raise Killed
        return None

    site.world.before = before
    return kills


def move(site: Site, call: int) -> None:
    if site.kind == "clerk":
        site.world.remove(site.world.ids[call])
        site.world.add(f"user_9{call:06}", BEGAN_S)
    else:
        site.world.numbers.remove(site.world.numbers[call])


def hard(site: Site) -> dict[str, Any]:
    """The listing under the nemesis, resumed until it is complete."""
    kills = nemesis(site)
    before, began = peak_mib(), perf_counter()
    while True:
        try:
            last = end_of(site.feeder().backfill(site.kind, site.access, PATIENT))
        except Killed:
            continue
        break
    seconds, grown = perf_counter() - began, peak_mib() - before
    site.world.before = lambda _: None
    return {
        "objects": last.done,
        "seconds": round(seconds, 1),
        "kills": len(kills),
        "peak_memory_growth_mib": round(grown, 1),
        "repeats": site.repeats(),  # reads every row: after the measuring
    }


def gaps(site: Site) -> int:
    """Objects that are still listed and not known."""
    if site.kind == "clerk":
        return len({one for one in site.world.ids if one < "user_9"} - site.known(Kind.USER))
    listed = {f"sub_{number:07}" for number in site.world.numbers}
    return len(listed - site.known(Kind.SUBSCRIPTION))


def measure(kind: str, count: int) -> dict[str, Any]:
    database = servers.Database(servers.postgresql_admin_url() or "")
    ledger = Ledger(database.url)
    migrate.upgrade(ledger.engine)
    try:
        site = Site(ledger, kind, count)
        rows, bare_s = bare(site)
        found = hard(site)
        gap = gaps(site)
        site.rest()
        began = perf_counter()
        again = end_of(site.feeder().backfill(kind, site.access))
        again_s = perf_counter() - began
        return {
            "source": kind,
            "bare_rows_per_s": round(rows / bare_s),
            "hard": found,
            "gaps": gap,
            "hard_objects_per_s": round(found["objects"] / found["seconds"]),
            "ratio_to_bare": round(found["seconds"] / bare_s, 1),
            "again_news": again.news,
            "again_due_subjects": len(site.due()),
            "again_objects_per_s": round(again.done / again_s),
            "again_ratio_to_bare": round(again_s / bare_s, 1),
            "missing_doubt": again.coverage.doubt(),
        }
    finally:
        ledger.close()
        database.drop()


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for source in sys.argv[2:] or ("clerk", "stripe"):
        print(json.dumps(measure(source, size), indent=2))
