"""A subject's id as Unkey's externalId, and back."""

from __future__ import annotations

import pytest
from unkey_sync.externalid import decode, encode


@pytest.mark.parametrize(
    "subject",
    [
        "user_2abC",
        "org_1",
        "cus_NffrFeUfNV2Hib",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "a.b",
        ".",
        "x.AZ",
        "i",
        "id",
    ],
)
def test_an_id_that_unkey_takes_is_passed_on_unchanged(subject) -> None:
    assert encode(subject) == subject
    assert decode(subject) == subject


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("auth0|5f7c", "auth0.7C5f7c"),
        ("me@example.com", "me.40example.com"),
        ("id_stolen", ".69d_stolen"),
        ("a.7Cb", "a.2E7Cb"),
        ("Zoë", "Zo.C3.AB"),
        ("a\nb", "a.0Ab"),
        (".|", "..7C"),
    ],
)
def test_every_other_id_has_one_reversible_form(subject, expected) -> None:
    assert encode(subject) == expected
    assert decode(expected) == subject


@pytest.mark.parametrize("subject", ["", "a" * 256, "|" * 86])
def test_what_cannot_fit_becomes_a_hash_that_leads_nowhere_back(subject) -> None:
    encoded = encode(subject)

    assert len(encoded) == 67
    assert encoded.startswith(".FF")
    assert decode(encoded) is None


def test_the_hash_form_is_the_same_for_ever() -> None:
    assert encode("a" * 256) == ".FF02d7160d77e18c6447be80c2e355c7ed4388545271702c50253b0914c65ce5fe"


def test_an_id_that_looks_like_a_hash_form_is_no_hash_form() -> None:
    lookalike = encode("a" * 256)

    assert encode(lookalike) == ".2EFF" + lookalike[3:]


@pytest.mark.parametrize("foreign", ["id_1", "a|b", ".41", ".C3", "a" * 256])
def test_what_encode_never_makes_decodes_to_nothing(foreign) -> None:
    assert decode(foreign) is None
