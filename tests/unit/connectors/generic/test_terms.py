"""Operators: what each makes of good values, of missing ones, and of wrong ones."""

from __future__ import annotations

from typing import Any

import pytest
from unkey_sync_connectors.base import ConfigProblem
from unkey_sync_connectors.generic.options import Options
from unkey_sync_connectors.generic.paths import Budget, Scope
from unkey_sync_connectors.generic.terms import MAX_DEPTH, MAX_TERMS, OPERATORS, Terms
from unkey_sync_connectors.generic.values import Wrong
from unkey_sync_connectors.timestamps import Instant

DOCUMENT = {
    "name": "Ada-Lovelace",
    "kind": "pro",
    "count": "12",
    "n": 7,
    "on": True,
    "off": False,
    "empty": "",
    "none": None,
    "list": [1],
    "seconds": 1_760_000_000,
    "object": {"a": 1},
    "float": 1.5,
}


def run(term: object) -> Any:
    compiled = Terms().read(Options({"field": term}), "field")
    return compiled.run(Scope(DOCUMENT, {}, Budget(), type="user.created"))


def refused(term: object) -> str:
    with pytest.raises(ConfigProblem) as caught:
        run(term)
    return f"{'.'.join(str(key) for key in caught.value.path)}: {caught.value}"


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("kind", "pro"),
        ({"value": "constant"}, "constant"),
        ({"value": True}, True),
        ({"first": ["none", "empty", "missing", "kind"]}, "pro"),
        ({"first": ["none"]}, None),
        ({"default": "missing", "to": "free"}, "free"),
        ({"default": "empty", "to": 1}, 1),
        ({"default": "kind", "to": "free"}, "pro"),
        ({"default": "off", "to": "free"}, False),
        ({"join": ["kind", "n"], "with": ":"}, "pro:7"),
        ({"join": ["kind", "missing"], "with": ":"}, None),
        ({"join": ["kind", "kind"]}, "propro"),
        ({"equals": "kind", "to": "pro"}, True),
        ({"equals": "n", "to": "7"}, False),
        ({"equals": "on", "to": 1}, False),
        ({"exists": "kind"}, True),
        ({"exists": "off"}, True),
        ({"exists": "empty"}, False),
        ({"exists": "missing"}, False),
        ({"any": ["off", "on"]}, True),
        ({"any": ["kind", "missing"]}, False),
        ({"not": "on"}, False),
        ({"not": "missing"}, True),
        ({"not": {"exists": "kind"}}, False),
        ({"lower": "name"}, "ada-lovelace"),
        ({"lower": "missing"}, None),
        ({"to_int": "count"}, 12),
        ({"to_int": "empty"}, None),
        ({"split": "name", "by": "-"}, "Ada"),
        ({"split": "name", "by": "-", "take": 1}, "Lovelace"),
        ({"split": "name", "by": "-", "take": -1}, "Lovelace"),
        ({"split": "name", "by": "-", "take": 2}, None),
        ({"split": "name", "by": "-", "take": -3}, None),
        ({"strip_prefix": "name", "prefix": "Ada-"}, "Lovelace"),
        ({"strip_suffix": "name", "suffix": "-Lovelace"}, "Ada"),
        ({"map": "kind", "to": {"pro": "team"}}, "team"),
        ({"map": "on", "to": {"true": "yes", "false": "no"}}, "yes"),
        ({"map": "n", "to": {"7": "seven"}}, "seven"),
        ({"map": "kind", "to": {"x": "y"}, "else": "other"}, "other"),
        ({"map": "missing", "to": {"x": "y"}}, None),
        ({"map": "missing", "to": {"x": "y"}, "else": "other"}, "other"),
        ({"when": "on", "then": "kind"}, "pro"),
        ({"when": "off", "then": "kind"}, None),
        ({"when": "kind", "then": "kind"}, None),
        ({"to_time": "seconds"}, Instant(1_760_000_000_000_000, 1_000_000)),
        ({"to_time": "seconds", "unit": "ms"}, Instant(1_760_000_000_000, 1_000)),
        ({"to_time": "missing", "unit": "ms"}, None),
        ({"to_time": {"to_time": "seconds"}}, Instant(1_760_000_000_000_000, 1_000_000)),
    ],
)
def test_an_operator_gives(term: object, expected: object):
    result = run(term)

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ({"lower": "object"}, "is not a text"),
        ({"lower": "float"}, "is not a text"),
        ({"to_int": "name"}, "is not a whole number"),
        ({"to_int": "float"}, "is not a whole number"),
        ({"to_int": "on"}, "is not a whole number"),
        ({"to_time": "name"}, "is not a timestamp"),
        ({"to_time": {"value": -1}, "unit": "s"}, "is not a timestamp"),
        ({"to_time": "object"}, "is not a timestamp"),
        ({"map": "kind", "to": {"other": "x"}}, "is not a known value"),
        ({"map": "list", "to": {"other": "x"}}, "is not a text"),
        ({"join": ["kind", "on"]}, "is not a text"),
        ({"join": ["name"] * 400, "with": "-----"}, "is longer than 4096 characters"),
    ],
)
def test_a_value_that_cannot_be_is_named_wrong(term: object, message: str):
    with pytest.raises(Wrong, match=message):
        run(term)


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (7, "field: must be a path or a table with one operator"),
        ({}, "field: has no operator"),
        ({"eval": "x"}, "field: has no operator"),
        ({"lower": "a", "first": ["b"]}, "field: has two operators"),
        ({"lower": "a b"}, "field.lower: is not a path"),
        ({"lower": "a", "upper": True}, "field.upper: unknown key"),
        ({"first": []}, "field.first: must be a list of terms"),
        ({"first": "a"}, "field.first: must be a list of terms"),
        ({"first": ["a", "b c"]}, "field.first.1: is not a path"),
        ({"default": "a"}, "field.to: is required"),
        ({"equals": "a", "to": [1]}, "field.to: must be a text, a whole number"),
        ({"split": "a"}, "field.by: is required"),
        ({"split": "a", "by": ""}, "field.by: must be a text"),
        ({"split": "a", "by": "-", "take": "1"}, "field.take: must be a small whole number"),
        ({"split": "a", "by": "-", "take": 10**9}, "field.take: must be a small whole number"),
        ({"to_time": "a", "unit": "h"}, "field.unit: must be one of auto, ms, s, us"),
        ({"map": "a", "to": {}}, "field.to: must be a table of texts"),
        ({"map": "a", "to": {"x": []}}, "field.to: must be a table of texts"),
        ({"map": "a", "to": "x"}, "field.to: must be a table"),
        ({"when": "a"}, "field.then: is required"),
    ],
)
def test_a_term_that_cannot_work_is_refused_with_its_path(term: object, expected: str):
    assert refused(term).startswith(expected)


def test_deep_nesting_is_refused():
    term: Any = "kind"
    for _ in range(MAX_DEPTH + 1):
        term = {"lower": term}

    assert "nested deeper than 8" in refused(term)


def test_a_chain_of_thousands_of_terms_is_refused():
    assert f"at most {MAX_TERMS} terms" in refused({"first": ["a"] * 20_000})


def test_every_operator_is_in_the_documentation(docs: str):
    missing = [name for name in OPERATORS if f"`{name}`" not in docs]

    assert missing == []
