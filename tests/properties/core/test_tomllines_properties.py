"""The line index knows every key that tomllib knows, and never hides a bomb from it."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from unkey_sync.configfile import parse_document
from unkey_sync.errors import ConfigError
from unkey_sync.tomllines import KeyPath, index_lines

names = st.sampled_from(["a", "b", '"q.u"', "'l#'", '"\\u00e9"', "a.b", "c . d"])
scalars = st.sampled_from(
    ["1", "-1.5e3", "true", '"x # y"', "'''\n[t]\nz = 1'''", '"""a\\\n ""b"""', "1979-05-27 07:32:00", "'['"]
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: "[" + ", # c ]\n".join(parts) + "\n]")
        | inner.map(lambda value: "{ k = " + value.replace("\n", " ") + " }")
    ),
    max_leaves=6,
)
pairs = st.tuples(names, values).map(lambda pair: f"{pair[0]} = {pair[1]}")
headers = st.sampled_from(["[t]", "[[arr]]", "[arr.sub]", "[[arr.more]]", "[ 'x' . y ]", "# note", "", "\t"])
texts = st.lists(pairs | headers, max_size=8).map("\n".join)


def paths_of(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, part in inner for deeper in paths_of(part, (*path, key)))]


@given(texts)
def test_every_key_of_a_valid_file_has_a_line(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return

    lines = index_lines(text)

    assert [path for path in paths_of(data)[1:] if path not in lines] == []
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@given(st.binary(max_size=60) | st.text("[]{}.=\"'#\\\n a1,", max_size=60).map(str.encode))
def test_any_bytes_are_a_document_or_one_kind_of_error(raw: bytes) -> None:
    try:
        told = str(parse_document(raw, "f").line_of(("nowhere",)))
    except ConfigError as error:
        told = str(error)

    assert told == "1" or told.startswith("f:")
