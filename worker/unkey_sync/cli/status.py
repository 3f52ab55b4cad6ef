"""What `unkey-sync status` says to people: a line for each thing. Its text may come from outside; `look` cleans it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def status_rows(found: Mapping[str, Any]) -> Iterator[list[str]]:
    """`found`: reports.status()."""
    yield ["events", _counts(found["events"])]
    yield ["subjects", _counts(found["subjects"])]
    yield from _present("parked", found["parked"])
    yield ["keys in slots", _counts({name: found["keys"][name] for name in ("enabled", "disabled")})]
    yield from _present("hand-overs waiting", found["keys"]["handovers_waiting"])
    yield ["oldest open work", f"{found['oldest_due_seconds']:.0f} s"]
    yield from _breaches(found["breaches"])
    if found["edits_last_day"]:
        yield ["edited by others", f"{found['edits_last_day']} fields within a day (see subjects show)"]
    yield ["unkey", f"circuit {found['unkey']['circuit']}"]
    for name, source in found["sources"].items():
        yield [f"source {name}", _source(source)]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"


def _present(label: str, counts: Mapping[str, int]) -> Iterator[list[str]]:
    if any(counts.values()):
        yield [label, _counts(counts)]


def _breaches(found: Mapping[str, Any]) -> Iterator[list[str]]:
    looked = found["looked_seconds"]
    when = "never looked: is a worker running?" if looked is None else f"looked {looked:.0f} s ago"
    yield ["enabled without right", f"{_counts(found['by_cause'])} ({when})"]
    for one in found["keys"]:
        yield ["", f"{one['key_id']} of {one['subject']}: {one['cause']}, seen in {one['seen_in']}"]


def _source(source: Mapping[str, Any]) -> str:
    age, silence = source["last_event_seconds"], source["silence"]
    heard = "no event yet" if age is None else f"last event {age:.0f} s ago"
    gap = ""
    if silence:
        gap = f", SILENT for {silence['seconds']:.0f} s (usual gap: {silence['usual_seconds']:.0f} s)"
    return f"{source['kind']}, {heard}{gap}"
