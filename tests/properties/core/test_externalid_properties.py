"""Encoding subjects: always legal, never ambiguous, reversible wherever it can be."""

from __future__ import annotations

import re
import string

from hypothesis import example, given
from hypothesis import strategies as st
from unkey_sync.externalid import decode, encode

LEGAL = re.compile(r"[A-Za-z0-9_.\-]{1,255}")
tricky = st.text(".7CF2Ea|é_id", max_size=12)
any_text = st.lists(st.integers(0, 0x10FFFF).map(chr), max_size=90).map("".join)
long_text = st.text("a|", min_size=240, max_size=270)
subjects = tricky | any_text | long_text


@given(subjects)
@example("id_1")
@example("")
def test_every_subject_gets_a_legal_id_that_shadows_no_identity(subject: str) -> None:
    encoded = encode(subject)

    assert LEGAL.fullmatch(encoded)
    assert not encoded.startswith("id_")


@given(subjects)
def test_what_is_not_hashed_comes_back(subject: str) -> None:
    encoded = encode(subject)

    assert decode(encoded) == (None if encoded.startswith(".FF") else subject)


@given(subjects, subjects)
@example("a|", "a.7C")
@example("id_", ".69d_")
def test_two_subjects_never_share_an_id(one: str, other: str) -> None:
    assert (encode(one) == encode(other)) == (one == other)


@given(subjects)
def test_an_encoded_id_is_no_other_subjects_own_id(subject: str) -> None:
    encoded = encode(subject)

    assert (encode(encoded) == encoded) == (encoded == subject)


@given(st.text(string.ascii_letters + string.digits + "_.-", min_size=1, max_size=255))
def test_a_legal_id_that_could_mean_nothing_else_passes_unchanged(subject: str) -> None:
    ambiguous = subject.startswith("id_") or re.search(r"\.[0-9A-F]{2}", subject)

    assert ambiguous or encode(subject) == subject


@given(subjects)
def test_decoding_anything_never_fails_and_is_the_inverse(external_id: str) -> None:
    subject = decode(external_id)

    assert subject is None or encode(subject) == external_id
