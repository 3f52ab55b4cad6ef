"""Server-Sent Events: the same messages however the bytes were cut, and nothing from what is no message."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unkey_sync_connectors.sse import MAX_MESSAGE, Message, Reader

STREAM = (
    b':connected\n\nretry: 2000\n\nevent: user.created\nid: o-1\ndata: {"a":\ndata: 1}\n\n'
    b": heartbeat\n\nevent: offset-only\nid: o-2\ndata: {}\n\n"
)
TOLD = [Message("user.created", b'{"a":\n1}', "o-1"), Message("offset-only", b"{}", "o-2")]


def read(*chunks: bytes) -> list[Message]:
    reader = Reader()
    return [message for chunk in chunks for message in reader.feed(chunk)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@given(cuts=st.lists(st.integers(0, len(STREAM) * 2), max_size=12))
def test_wherever_a_stream_is_cut_and_however_its_lines_end_it_says_the_same(end: bytes, cuts: list[int]):
    whole = STREAM.replace(b"\n", end)
    places = sorted({0, *(min(cut, len(whole)) for cut in cuts), len(whole)})

    chunks = [whole[begin:stop] for begin, stop in pairwise(places)]

    assert read(*chunks, b"") == TOLD


def test_one_byte_at_a_time_says_the_same():
    whole = STREAM.replace(b"\n", b"\r\n")

    assert read(*(whole[at : at + 1] for at in range(len(whole)))) == TOLD


@given(
    st.lists(
        st.binary(max_size=40) | st.sampled_from([b"data", b":", b"\r", b"\n", b"id: x", b"\xef\xbb\xbf"])
    )
)
def test_no_bytes_at_all_raise_anything(chunks: list[bytes]):
    joined = b"".join(chunks)

    assert read(*chunks) == read(joined)


@pytest.mark.parametrize(
    ("stream", "told"),
    [
        (b"data: a\n", []),
        (b"data: a", []),
        (b"\n\n\n", []),
        (b":only a comment\n\n", []),
        (b"retry: 5\nunknown: x\n\n", []),
        (b"data\n\n", [Message("", b"", "")]),
        (b"data:a\n\n", [Message("", b"a", "")]),
        (b"data:  a\n\n", [Message("", b" a", "")]),
        (b"data: a:b\n\n", [Message("", b"a:b", "")]),
        (b"id: 7\n\ndata: a\n\n", [Message("", b"", "7"), Message("", b"a", "7")]),
        (b"id: a\0b\ndata: a\n\n", [Message("", b"a", "")]),
        (b"id: 1\ndata: a\n\nid\ndata: b\n\n", [Message("", b"a", "1"), Message("", b"b", "")]),
        (b"event: x\ndata: a\n\ndata: b\n\n", [Message("x", b"a", ""), Message("", b"b", "")]),
        (b"event: \xff\ndata: \xff\n\n", [Message("\ufffd", b"\xff", "")]),
        (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [Message("", b"a", "")]),
    ],
)
def test_each_field_is_read_as_the_standard_says(stream: bytes, told: list[Message]):
    assert read(stream) == told


def test_a_message_whose_blank_line_is_missing_leaves_no_id_behind():
    reader = Reader()

    told = reader.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b")

    assert told == [Message("", b"a", "1")]


@pytest.mark.parametrize(
    "body",
    [
        b"data: " + b"x" * (MAX_MESSAGE + 10),
        b"\n".join([b"data: " + b"x" * 1_000] * 1_100),
    ],
    ids=["one line", "many lines"],
)
def test_a_message_that_is_too_long_keeps_its_id_and_loses_its_data(body: bytes):
    stream = b"event: user.created\n" + body + b"\nid: o-1\n\ndata: next\n\n"
    chunks = [stream[at : at + 65_536] for at in range(0, len(stream), 65_536)]

    assert read(*chunks) == [
        Message("user.created", b"", "o-1", whole=False),
        Message("", b"next", "o-1"),
    ]


def test_a_line_without_end_is_not_kept_in_memory():
    reader = Reader()
    for _ in range(64):
        reader.feed(b"x" * MAX_MESSAGE)

    assert len(reader._line) == MAX_MESSAGE
