"""On which line each key of a TOML text stands."""

from __future__ import annotations

import pytest
from unkey_sync.tomllines import MAX_DEPTH, TooDeep, index_lines

TRICKY = '''# [comment]
title = "a # no comment [x]"

[a.b]          # implies a
c.d = 1
"quoted key" = 2
'lit.eral' = 3
"\\u00e9" = 4
e = """
[not.a.table]
x = "1" \\"""
"""
f = \'\'\'
y = 2\'\'\'
after = 1979-05-27 07:32:00

[[plans]]
name = "free"
identity.ratelimits = [ { name = "requests", limit = 1 },
  { name = "b",     # inline
    }, ]

  [[plans.match]]
  source = "x"
  [plans.deep]
  k = [[1, 2],
       [3]]

[[plans]]
name = "pro"
match = [
    {source = "s", nested = { z = 1 }},

    {source = "t"},
]
[[plans.match.more]]
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("a",), 4),
        (("a", "b"), 4),
        (("a", "b", "c"), 5),
        (("a", "b", "c", "d"), 5),
        (("a", "b", "quoted key"), 6),
        (("a", "b", "lit.eral"), 7),
        (("a", "b", "é"), 8),
        (("a", "b", "e"), 9),
        (("a", "b", "f"), 13),
        (("a", "b", "after"), 15),
        (("plans",), 17),
        (("plans", 0), 17),
        (("plans", 0, "name"), 18),
        (("plans", 0, "identity"), 19),
        (("plans", 0, "identity", "ratelimits"), 19),
        (("plans", 0, "identity", "ratelimits", 0, "limit"), 19),
        (("plans", 0, "identity", "ratelimits", 1), 20),
        (("plans", 0, "identity", "ratelimits", 1, "name"), 20),
        (("plans", 0, "match"), 23),
        (("plans", 0, "match", 0), 23),
        (("plans", 0, "match", 0, "source"), 24),
        (("plans", 0, "deep"), 25),
        (("plans", 0, "deep", "k", 1), 27),
        (("plans", 0, "deep", "k", 1, 0), 27),
        (("plans", 1), 29),
        (("plans", 1, "match", 0, "nested", "z"), 32),
        (("plans", 1, "match", 1, "source"), 34),
    ],
)
def test_a_key_stands_on_its_line(path, line) -> None:
    assert index_lines(TRICKY)[path] == line


def test_words_inside_strings_are_no_keys() -> None:
    paths = index_lines(TRICKY)

    assert not any("not" in path or "x" in path or "y" in path for path in paths)


@pytest.mark.parametrize(
    "broken", ["a", "a =", "a = }", "[a", "= 1", "a = [1", "a = [1 2}", "b = {c}", '"\\q" = 1', "a = 1\n]"]
)
def test_what_comes_before_an_unreadable_place_is_kept(broken) -> None:
    assert index_lines(f"first = 1\n{broken}")[("first",)] == 1


@pytest.mark.parametrize(
    "bomb",
    [
        "a = " + "[" * 50_000,
        "a = " + "{a = " * 20_000,
        ".".join(["a"] * 50_000) + " = 1",
        "[" + ".".join(["a"] * 50_000) + "]",
    ],
)
def test_bottomless_nesting_is_refused_at_its_line(bomb) -> None:
    with pytest.raises(TooDeep) as refused:
        index_lines(f"first = 1\n{bomb}")

    assert refused.value.line == 2
    assert str(MAX_DEPTH) in str(refused.value)
