"""What `subjects show` tells a person: a table for each thing there is, none for what there is not."""

from __future__ import annotations

from typing import Any

from unkey_sync.cli.subject import subject_tables

BARE: dict[str, Any] = {
    "subject": "org_1",
    "external_id": "org_1",
    "identity_id": None,
    "desired": {"access": "enabled", "plan": None, "changes_at": None},
    "parked": None,
    "keys": [],
    "operations": [],
    "edits": [],
}
KEY = {"key_id": "key_1", "slot": "default", "member": None, "state": "enabled", "expires_at": None}
EDIT = {"target": "org_1", "field": "meta.plan", "expected": "", "found": "", "at": 1_767_225_600_000_000}


def test_what_is_not_there_has_no_table() -> None:
    (head,) = subject_tables(BARE)

    assert ["plan", "-"] in head
    assert ["parked", "no"] in head


def test_keys_and_edits_are_shown() -> None:
    theirs = {**KEY, "key_id": "key_2", "slot": None, "prepaid": None}
    found = {**BARE, "keys": [{**KEY, "prepaid": 500}, theirs], "edits": [EDIT]}

    _, keys, edits = subject_tables(found)

    assert keys[1:] == [
        ["key_1", "default", "-", "enabled", "-", "at most 500"],
        ["key_2", "(others made it)", "-", "enabled", "-", "-"],
    ]
    assert edits[1:] == [["org_1", "meta.plan", "-", "-", "2026-01-01 00:00:00Z"]]


def test_why_it_is_parked_is_said() -> None:
    (head,) = subject_tables({**BARE, "parked": {"code": "x", "reason": "no API"}})

    assert ["parked", "no API"] in head
