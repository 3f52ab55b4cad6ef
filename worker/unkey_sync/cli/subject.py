"""What `unkey-sync subjects show` says to people, as tables. Its text may come from outside; `look` cleans it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unkey_sync.cli.text import instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Table = list[list[str]]


def subject_tables(found: Mapping[str, Any]) -> Iterator[Table]:
    """`found`: reports.subject_view(). Tables without a row are left out."""
    yield _head(found)
    for table in (_keys(found["keys"]), _operations(found["operations"]), _edits(found["edits"])):
        if len(table) > 1:
            yield table


def _head(found: Mapping[str, Any]) -> Table:
    desired = found["desired"]
    return [
        ["subject", found["subject"]],
        ["external id", found["external_id"]],
        ["identity", found["identity_id"] or "-"],
        ["access", desired["access"]],
        ["plan", desired["plan"] or "-"],
        ["changes at", instant(desired["changes_at"])],
        ["parked", found["parked"]["reason"] if found["parked"] else "no"],
    ]


def _keys(rows: list[dict[str, Any]]) -> Table:
    return [["KEY", "SLOT", "MEMBER", "STATE", "ENDS", "BOUGHT CREDITS"]] + [
        [
            one["key_id"],
            one["slot"] or "(others made it)",
            one["member"] or "-",
            one["state"],
            instant(one["expires_at"]),
            f"at most {one['prepaid']}" if one["prepaid"] else "-",
        ]
        for one in rows
    ]


def _operations(rows: list[dict[str, Any]]) -> Table:
    return [["OPERATION", "OUTCOME", "WHEN", "WHY"]] + [
        [one["operation"], one["outcome"], instant(one["at"]), one["why"]] for one in rows
    ]


def _edits(rows: list[dict[str, Any]]) -> Table:
    return [["EDITED BY OTHERS", "FIELD", "EXPECTED", "FOUND", "SEEN"]] + [
        [one["target"], one["field"], one["expected"] or "-", one["found"] or "-", instant(one["at"])]
        for one in rows
    ]
