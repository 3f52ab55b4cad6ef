"""JSON from strangers: bombs cost little and become Malformed, odd fields become Unusable without being quoted."""

from __future__ import annotations

from time import process_time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unkey_sync_connectors.base import Malformed, Unusable
from unkey_sync_connectors.payload import MAX_VALUES, Fields, body_digest, naming, read_object

MEGABYTE = 1_048_576
SECRET_TEXT = "ada@example.com"

NOT_AN_OBJECT = {
    "empty": b"",
    "blank": b"  \n",
    "array": b"[]",
    "number": b"17",
    "text": b'"x"',
    "null": b"null",
    "byte order mark": b"\xef\xbb\xbf{}",
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":Infinity}',
    "beyond a double": b'{"a":1e999}',
    "5,000 digits": b'{"a":' + b"9" * 5_000 + b"}",
    "lone surrogate": b'{"a":"\\ud800"}',
    "invalid UTF-8": b'{"a":"\xff"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "control character": b'{"a":"\x00"}',
    "trailing bytes": b"{}x",
    "trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "2,000 deep": b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    "200,000 deep": b"[" * 200_000,
    "200,000 deep, closed": b"[" * 200_000 + b"]" * 200_000,
}

BOMBS = {
    **NOT_AN_OBJECT,
    "1 M keys": b"{" + b",".join(b'"k%d":0' % n for n in range(1_000_000)) + b"}",
    "1 M empty arrays": b'{"a":[' + b"[]," * 1_000_000 + b"[]]}",
    "1 MiB of nested pairs": b'{"a":[' + b"[[]]," * 200_000 + b"[]]}",
    "as many keys as allowed": b"{" + b",".join(b'"k%d":0' % n for n in range(MAX_VALUES - 2)) + b"}",
    "as many arrays as allowed": b'{"a":[' + b"[]," * (MAX_VALUES // 2 - 5) + b"[]]}",
    "1 MiB text": b'{"a":"' + b"x" * MEGABYTE + b'"}',
    "1 MiB of escapes": b'{"a":"' + b"\\u0041" * (MEGABYTE // 6) + b'"}',
    "10 MB text": b'{"a":"' + b"x" * 10_000_000 + b'"}',
    "1 MiB of digits": b'{"a":0.' + b"1" * MEGABYTE + b"}",
}


@pytest.mark.parametrize("name", NOT_AN_OBJECT)
def test_what_is_no_json_object_is_malformed(name: str):
    with pytest.raises(Malformed):
        read_object(NOT_AN_OBJECT[name])


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_at_most_50_ms(name: str):
    best = min(_seconds_to_read(BOMBS[name]) for _ in range(3))

    assert best <= 0.050


def _seconds_to_read(body: bytes) -> float:
    began = process_time()
    try:
        read_object(body)
    except Malformed:
        return process_time() - began
    return process_time() - began


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_malformed(body: bytes):
    try:
        found = read_object(body)
    except Malformed:
        return

    assert isinstance(found, dict)


def test_the_decoders_error_does_not_travel_with_ours():
    body = b'{"email":"ada@example.com",'

    with pytest.raises(Malformed) as caught:
        read_object(body)

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert SECRET_TEXT not in str(caught.value)


def test_of_duplicate_names_the_last_counts():
    assert read_object(b'{"a":1,"a":2}') == {"a": 2}


def test_values_are_read_by_dotted_path():
    fields = Fields(
        {
            "data": {
                "id": "user_1",
                "n": 3,
                "on": True,
                "at": 1_760_000_000,
                "names": ["a", "b"],
                "rows": [{"id": "row_1"}],
                "customer": {"id": "cus_1"},
                "other": "cus_2",
            }
        }
    )

    assert fields.text("data.id") == fields.id("data.id") == "user_1"
    assert fields.choice("data.id", {"user_1": "one"}) == "one"
    assert fields.integer_or_none("data.n") == 3
    assert fields.flag("data.on") is True
    assert fields.instant("data.at").us == fields.us_or_none("data.at") == 1_760_000_000_000_000
    assert fields.texts("data.names") == ["a", "b"]
    assert [row.id("id") for row in fields.each("data.rows")] == ["row_1"]
    assert fields.reference("data.customer") == "cus_1"
    assert fields.reference("data.other") == "cus_2"
    assert fields.fields("data").raw() is fields.raw()["data"]


def test_missing_null_and_empty_text_are_the_same():
    fields = Fields({"null": None, "empty": "", "object": {}})

    for path in ("absent", "null", "empty", "object.absent", "null.below"):
        assert fields.text_or_none(path) is None
        assert fields.id_or_none(path) is None
        assert fields.reference_or_none(path) is None
    for path in ("absent", "null", "object.absent"):
        assert fields.integer_or_none(path) is None
        assert fields.instant_or_none(path) is None
        assert fields.us_or_none(path) is None
        assert fields.fields_or_none(path) is None
        assert fields.expanded_or_none(path) is None
        assert fields.flag(path) is False
        assert fields.each(path) == []
        assert fields.texts(path) == []
        assert fields.chosen_texts(path, frozenset({"a"})) == {}


READS = {
    "text": lambda fields, path: fields.text(path),
    "id": lambda fields, path: fields.id(path),
    "choice": lambda fields, path: fields.choice(path, {"known": "known"}),
    "reference": lambda fields, path: fields.reference(path),
    "integer": lambda fields, path: fields.integer_or_none(path),
    "flag": lambda fields, path: fields.flag(path),
    "instant": lambda fields, path: fields.instant(path),
    "fields": lambda fields, path: fields.fields(path),
    "each": lambda fields, path: fields.each(path),
    "texts": lambda fields, path: fields.texts(path),
}


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("text", 1),
        ("text", None),
        ("text", "a\0b"),
        ("id", "x" * 256),
        ("id", ["x"]),
        ("choice", SECRET_TEXT),
        ("reference", {"id": 5}),
        ("reference", {}),
        ("integer", 1.5),
        ("integer", 2.0**64),
        ("integer", 2**53),
        ("integer", True),
        ("integer", "1"),
        ("flag", 1),
        ("flag", "true"),
        ("instant", SECRET_TEXT),
        ("instant", 1.5),
        ("fields", SECRET_TEXT),
        ("fields", [1]),
        ("each", {"a": 1}),
        ("each", [SECRET_TEXT]),
        ("texts", [1]),
        ("texts", ["a\0b"]),
        ("texts", SECRET_TEXT),
    ],
)
def test_a_field_of_the_wrong_kind_is_named_and_never_quoted(read: str, value: object):
    fields = Fields({"data": {"object": {"x": value}}}).fields("data").fields("object")

    with pytest.raises(Unusable) as caught:
        READS[read](fields, "x")

    assert caught.value.reason.startswith("data.object.x")
    assert SECRET_TEXT not in str(caught.value)


def test_a_path_through_something_that_is_no_object_is_unusable():
    with pytest.raises(Unusable, match="is not inside an object"):
        Fields({"a": "text"}).text("a.b")


def test_a_row_of_a_list_is_named_by_its_number():
    (row,) = Fields({"data": {"items": [{"price": 1}]}}).each("data.items")

    with pytest.raises(Unusable, match=r"^data\.items\[0\]\.price is not an object$"):
        row.fields("price")


def test_of_metadata_only_named_texts_are_kept():
    metadata = {"org_id": "org_1", "email": SECRET_TEXT, "n": 5, "nul": "a\0b"}

    kept = Fields({"metadata": metadata}).chosen_texts(
        "metadata", frozenset({"org_id", "n", "nul", "absent"})
    )

    assert kept == {"org_id": "org_1"}


def test_an_expanded_reference_is_told_from_a_bare_id():
    fields = Fields({"bare": "cus_1", "expanded": {"id": "cus_2"}})

    expanded = fields.expanded_or_none("expanded")

    assert fields.expanded_or_none("bare") is None
    assert expanded is not None
    assert expanded.id("id") == "cus_2"


def test_a_problem_says_which_delivery_it_is_about():
    with pytest.raises(Unusable) as caught, naming("msg_1", "user.created"):
        Fields({}).text("data.id")

    assert (caught.value.delivery_id, caught.value.event_type) == ("msg_1", "user.created")


def test_the_same_body_of_the_same_source_is_the_same_delivery():
    body = orjson.dumps({"a": 1})

    digest = body_digest("clerk", body)

    assert digest == body_digest("clerk", body)
    assert len({digest, body_digest("clerk-eu", body), body_digest("clerk", body + b" ")}) == 3
