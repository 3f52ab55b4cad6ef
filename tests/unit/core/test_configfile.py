"""A configuration file's mistakes, all told with file, line, key and remedy."""

from __future__ import annotations

import time

import pytest
from pydantic import BaseModel, ConfigDict, Field
from unkey_sync.configfile import (
    MAX_BYTES,
    MAX_LISTED,
    Problem,
    check_sections,
    load_document,
    parse_document,
    refuse,
    render_path,
    suggest,
    validate,
)
from unkey_sync.errors import ConfigError
from unkey_sync.policy import read_policy


class Leaf(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    size: int = 1
    secret: str = Field(default="", max_length=4)


class Tree(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    leaf: Leaf = Leaf()
    maybe: Leaf | None = None
    leaves: list[Leaf] = []
    named: dict[str, Leaf] = {}
    short: dict[str, int] = Field(default={}, max_length=1)


def read(text: str):
    return parse_document(text.encode(), "f.toml")


def mistakes(text: str, section: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        validate(Tree, read(text), section)
    return str(refused.value).splitlines()


def test_a_good_file_becomes_its_model() -> None:
    tree = validate(Tree, read("[leaf]\nsize = 7\n"))

    assert tree.leaf.size == 7


def test_a_section_that_is_absent_has_its_defaults() -> None:
    assert validate(Leaf, read("x = 1"), ("some", "leaf")) == Leaf()


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    lists = 'leaves = [{ size = "x" },\n {},\n { size = true, colour = 1 }]'
    text = f"named.a = {{ sise = 1 }}\n{lists}\nlef = 3\n[leaf]\nsize = 1.5"

    assert mistakes(text) == [
        "f.toml:1: named.a.sise: unknown key; did you mean `size`?",
        "f.toml:2: leaves[0].size: must be a whole number",
        "f.toml:4: leaves[2].size: must be a whole number",
        "f.toml:4: leaves[2].colour: unknown key; known are secret, size",
        "f.toml:5: lef: unknown key; did you mean `leaf`?",
        "f.toml:7: leaf.size: must be a whole number",
    ]


def test_mistakes_in_a_section_carry_the_whole_key() -> None:
    assert mistakes("[a.b]\nleaf = 3", ("a", "b")) == ["f.toml:2: a.b.leaf: must be a table"]
    assert mistakes("a = 3", ("a", "b")) == ["f.toml:1: a.b: must be a table"]


def test_the_nearest_name_is_found_behind_an_optional_table() -> None:
    assert mistakes("maybe = { sizee = 1 }") == ["f.toml:1: maybe.sizee: unknown key; did you mean `size`?"]


def test_a_named_table_may_be_called_like_a_key() -> None:
    assert mistakes("[named.size]\nsizee = 1") == [
        "f.toml:2: named.size.sizee: unknown key; did you mean `size`?"
    ]


def test_too_many_entries_are_told_with_the_bound() -> None:
    assert mistakes("[short]\na = 1\nb = 2") == ["f.toml:1: short: must have at most 1 entries"]


def test_no_value_is_ever_quoted() -> None:
    told = "\n".join(
        mistakes('leaf = { secret = "hunter2" }\nleaves = "hunter2"\nmaybe = { size = "hunter2" }')
    )

    assert told.count("\n") == 2
    assert "hunter" not in told


def test_unknown_sections_are_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError) as refused:
        check_sections(read("plans = 1\n[subject]\n[zzz]"), {"plans", "subjects"})

    assert str(refused.value).splitlines() == [
        "f.toml:2: subject: unknown key; did you mean `subjects`?",
        "f.toml:3: zzz: unknown key; known are plans, subjects",
    ]


def test_known_sections_pass_and_no_problem_is_no_error() -> None:
    check_sections(read("plans = 1"), {"plans"})
    refuse(read(""), [])

    assert read("a = 1\nb = 2").only({"b"}).data == {"b": 2}


def test_a_problem_of_a_missing_key_stands_at_the_table_around_it() -> None:
    document = read("x = 1\n[a]\nb = 1")

    assert document.line_of(("a", "missing", 3)) == 2
    assert document.line_of(("nowhere",)) == 1


def test_more_problems_than_anybody_reads_are_counted() -> None:
    with pytest.raises(ConfigError) as refused:
        refuse(read(""), [Problem(("a",), "bad")] * (MAX_LISTED + 5))

    assert str(refused.value).splitlines()[-1] == "... and 5 more problems"


def test_a_path_reads_like_the_file() -> None:
    assert render_path(("plans", 1, "match", 0)) == "plans[1].match[0]"
    assert render_path(("role_mapping", "org:admin")) == 'role_mapping."org:admin"'
    assert len(render_path(("k" * 1000,))) < 80


def test_without_known_names_there_is_no_suggestion() -> None:
    assert suggest("x", []) == ""


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"a = 1\nb = ", "f.toml:2: Invalid value"),
        (b'a = "x', "f.toml:1: Unterminated string"),
        (b"a = 1\na = 2", "f.toml:2: Cannot overwrite a value"),
        (b"ok = 1\nbad = \xff", "f.toml:2: not UTF-8 text; save the file as UTF-8"),
        (b"a = " + b"9" * 5000, "f.toml: a number has more digits than can be read"),
        (b"\n[" + b"a." * 40 + b"a]", "f.toml:2: nested deeper than 24 levels"),
        (b"#" * (MAX_BYTES + 1), f"f.toml: larger than {MAX_BYTES} bytes"),
    ],
)
def test_a_file_that_is_no_toml_is_refused_with_its_line(raw, told) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_document(raw, "f.toml")

    assert str(refused.value) == told


def test_lines_are_right_with_windows_line_ends() -> None:
    assert parse_document(b"a = 1\r\nb = 2\r\n", "f.toml").line_of(("b",)) == 2


def test_a_file_is_read_from_disk(tmp_path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("a = 1")

    assert load_document(path).data == {"a": 1}
    assert load_document(path).path == str(path)


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        load_document(tmp_path / "none.toml")


BOMBS = {
    "ten thousand plans": b"".join(b'[[plans]]\nname="p%d"\n' % i for i in range(10_000)),
    "as many plans as fit": b"".join(b'[[plans]]\nname="p%d"\n' % i for i in range(5_500)),
    "a value of a megabyte": b'subjects.owner = "' + b"a" * 1_000_000 + b'"',
    "a value that fits": b'subjects.owner = "' + b"a" * 120_000 + b'"',
    "a key of a hundred kilobytes": b"[subjects]\n" + b"a" * 120_000 + b" = 1",
    "nested arrays": b"plans = " + b"[" * 60_000,
    "nested tables": b"plans = " + b"{a=" * 30_000,
    "a dotted key": b".".join([b"plans"] * 20_000) + b" = 1",
    "a dotted header": b"[" + b".".join([b"plans"] * 20_000) + b"]",
    "digits": b"plans = " + b"9" * 100_000,
    "quotes": b'plans = """' + b'""' * 60_000,
    "backslashes": b'plans = "' + b'\\"' * 60_000,
    "dunder names": b'[lifecycle]\n__class__ = "x"\n__init__.y = 1',
    "unknown keys": b"[lifecycle]\n" + b"".join(b"a%d=1\n" % i for i in range(14_000)),
    "a large meta": b'[[plans]]\nname="a"\nidentity.meta={a=[' + b'"a",' * 25_000 + b"]}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_short_error_in_a_short_time(name) -> None:
    started = time.process_time()

    with pytest.raises(ConfigError) as refused:
        read_policy(parse_document(BOMBS[name], "f.toml"))

    assert len(str(refused.value)) < 50_000
    assert time.process_time() - started < 1  # measured below 0.15 s; the bar allows for a busy machine
