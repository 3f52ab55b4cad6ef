"""Paths find a value or nothing; they never fail on a document, and a wrong one is refused at start-up."""

from __future__ import annotations

from typing import Any

import pytest
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.generic.paths import MAX_STEPS, BadPath, Budget, Scope, parse_path

DOCUMENT = {
    "data": {
        "id": "user_1",
        "a.b": {"c": 1},
        "none": None,
        "roles": [
            {"kind": "side", "name": "x"},
            {"kind": "main", "name": "y", "rank": 2, "live": True},
        ],
        "tags": ["first", "last"],
        "__class__": "harmless",
    },
    "@odd": "quoted",
}


def find(path: str) -> Any:
    scope = Scope(DOCUMENT, {"x-id": "h1"}, Budget(), type="user.created", item={"code": "org_1"})
    return parse_path(path).find(scope)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data.id", "user_1"),
        ('data."a.b".c', 1),
        ("data.tags[0]", "first"),
        ("data.tags[-1]", "last"),
        ("data.roles[kind=main].name", "y"),
        ('data.roles[kind="main"].name', "y"),
        ("data.roles[rank=2].name", "y"),
        ("data.roles[live=true].name", "y"),
        ("data.roles[0].name", "x"),
        ("data.__class__", "harmless"),
        ("@header.x-id", "h1"),
        ("@type", "user.created"),
        ("@item.code", "org_1"),
    ],
)
def test_a_path_finds_what_it_names(path: str, expected: object):
    assert find(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "data.missing",
        "data.none",
        "data.none.deeper",
        "data.id.deeper",
        "data.id[0]",
        "data.tags[7]",
        "data.tags[-3]",
        "data.tags.name",
        "data.roles[kind=other]",
        "data.id[kind=main]",
        "data.tags[kind=main]",
        "data.roles[live=false]",
        "data.roles[none=null]",
        "@header.missing",
        "@type.upper",
        "__init__.__globals__",
    ],
)
def test_a_path_that_leads_nowhere_finds_nothing(path: str):
    assert find(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a b",
        "a[",
        "a[]",
        "a[x]",
        "a[0",
        "a[1234567]",
        "a[*]",
        "a[?x=1]",
        "a]b",
        'a."unclosed',
        'a."b"c',
        "a[0]b",
        "@nobody.x",
        "a.@type.",
        "${jndi}",
        "a()",
        "{{7*7}}",
    ],
)
def test_what_is_no_path_is_refused(path: str):
    with pytest.raises(BadPath):
        parse_path(path)


def test_a_very_long_path_is_refused():
    with pytest.raises(BadPath, match="longer than 500 characters"):
        parse_path(".".join("a" * 300))


def test_looking_through_a_long_list_is_paid_for():
    rows = [{"kind": "side"}] * (MAX_STEPS + 1)
    scope = Scope({"rows": rows}, {}, Budget())

    with pytest.raises(Unusable, match="too many steps"):
        parse_path("rows[kind=main]").find(scope)


def test_a_scope_shows_nothing_of_what_it_holds():
    scope = Scope({"email": "ada@example.com"}, {"authorization": "secret"}, Budget(), item="item")

    assert "ada" not in repr(scope)
    assert "secret" not in repr(scope)
