"""CSV and JSONL files, row by row; a place between two rows is enough to go on from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unkey_sync.errors import ConfigError
from unkey_sync.files.feed import FileFeed, fingerprint
from unkey_sync.files.reading import MAX_LINE, Place, count_rows, read_rows
from unkey_sync.files.rows import Defaults


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def values(path: Path, start: Place = Place()) -> list[object]:  # noqa: B008  -- a frozen value
    return [row.values or row.problem for row in read_rows(path, start)]


def test_csv_cells_are_stripped_and_empty_ones_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "\ufeffid, blocked\r\nuser_1 , banned\r\nuser_2,\r\n")

    assert values(path) == [{"id": "user_1", "blocked": "banned"}, {"id": "user_2"}]


def test_a_quoted_cell_may_hold_line_ends(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", 'id,role\n"user\n1",x\nuser_2,y\n')

    first, second = read_rows(path, Place())

    assert first.values == {"id": "user\n1", "role": "x"}
    assert (second.line, values(path, first.after)) == (4, [{"id": "user_2", "role": "y"}])


def test_json_values_become_texts_and_nested_ones_dotted_names(tmp_path: Path) -> None:
    line = '{"id": 7, "deleted": true, "metadata": {"org_id": "o"}, "permissions": ["a", "b"], "role": null}'

    assert values(written(tmp_path, "a.jsonl", f"{line}\n\n")) == [
        {"id": "7", "deleted": "true", "metadata.org_id": "o", "permissions": "a b"}
    ]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", b"id,role\na,b,c\n", "3 cells for 2 columns"),
        ("a.csv", b'id\n"a"b\n', "not CSV"),
        ("a.csv", b"id\n\xff\n", "not UTF-8"),
        ("a.jsonl", b"{\n", "not JSON"),
        ("a.jsonl", b"[]\n", "not a JSON object"),
        ("a.jsonl", b'{"id":"\xff"}\n', "not JSON"),
        ("a.jsonl", b'{"id":"a\\u0000"}\n', "a NUL byte"),
    ],
)
def test_a_row_that_cannot_be_read_stops_none_behind_it(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    good = b"x\n" if name.endswith("csv") else b'{"id":"x"}\n'
    if problem == "3 cells for 2 columns":
        good = b"x,y\n"

    found = values(written(tmp_path, name, content + good))

    assert found[0] == problem
    assert found[1:] in ([{"id": "x"}], [{"id": "x", "role": "y"}])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xlsx", b""),
        ("a.csv", b""),
        ("a.csv", b"id,id\n"),
        ("a.jsonl", b" " * (MAX_LINE + 2)),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_as_a_whole(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(ConfigError):
        values(written(tmp_path, name, content))


def test_rows_are_counted_without_the_header(tmp_path: Path) -> None:
    assert count_rows(written(tmp_path, "a.csv", "id\na\nb\n")) == 2
    assert count_rows(written(tmp_path, "a.jsonl", "{}\n{}\n")) == 2


@given(rows=st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=8), cut=st.integers(0, 8))
def test_reading_may_stop_and_go_on_between_any_two_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], cut: int
) -> None:
    import csv  # noqa: PLC0415

    path = tmp_path_factory.mktemp("rows") / "a.csv"
    with path.open("w", encoding="utf-8", errors="replace", newline="") as handle:
        csv.writer(handle).writerows([("id", "role"), *rows])

    whole = list(read_rows(path, Place()))
    cut = min(cut, len(whole))
    start = whole[cut - 1].after if cut else Place()

    assert list(read_rows(path, start)) == whole[cut:]


def test_a_file_is_recognised_by_its_content(tmp_path: Path) -> None:
    first, same = written(tmp_path, "a.csv", "id\na\n"), written(tmp_path, "b.csv", "id\na\n")

    assert fingerprint(first) == fingerprint(same) != fingerprint(written(tmp_path, "c.csv", "id\nb\n"))


def test_bad_rows_are_counted_and_the_first_ones_told(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,updated_at\n" + "user_1,never\n" * 30 + "user_2,\n")
    rows = FileFeed("clerk", path, Defaults.of("user", "", frozenset()))

    (page,) = rows.pages(None)

    assert [event.entity.id for event in page.events if event.entity] == ["user_2"]
    assert (rows.bad_count, len(rows.bad), rows.bad[0]) == (30, 20, "line 2: updated_at is no date")
