"""Instants in every form that a vendor writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unkey_sync_connectors.timestamps import BadTimestamp, Instant, read_instant, to_microseconds

AT = 1_760_000_000_000_000


@pytest.mark.parametrize(
    ("value", "us", "tick"),
    [
        (1_760_000_000, AT, 1_000_000),
        ("1760000000", AT, 1_000_000),
        (1_760_000_000_123, AT + 123_000, 1_000),
        ("1760000000123", AT + 123_000, 1_000),
        (1_760_000_000_123_456, AT + 123_456, 1),
        (1_760_000_000_123_456_789, AT + 123_456, 1),
        (0, 0, 1_000_000),
        ("2025-10-09T08:53:20Z", AT, 1_000_000),
        ("2025-10-09t08:53:20z", AT, 1_000_000),
        ("2025-10-09T08:53:20", AT, 1_000_000),
        ("2025-10-09T08:53:20.000", AT, 1_000),
        ("2025-10-09T08:53:20.1Z", AT + 100_000, 100_000),
        ("2025-10-09T08:53:20.123456789Z", AT + 123_456, 1),
        ("2025-10-09 08:53:20.123456+00", AT + 123_456, 1),
        ("2025-10-09T10:53:20+02:00", AT, 1_000_000),
        ("2025-10-09T03:23:20-0530", AT, 1_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999, 1),
    ],
)
def test_every_form_gives_microseconds_and_the_length_of_its_tick(value: object, us: int, tick: int):
    instant = read_instant(value)

    assert instant == Instant(us, tick)


@pytest.mark.parametrize(
    "value",
    [
        -1,
        True,
        1.5,
        None,
        [],
        "",
        " 1760000000",
        "1760000000\n",
        "1e9",
        "0x68e77c80",
        "9" * 21,
        "9" * 30,
        "1_760_000_000",
        "\u0661\u0662\u0663",
        10**21,
        "2025-10-09",
        "2025-13-09T08:53:20Z",
        "2025-02-30T08:53:20Z",
        "2025-10-09T24:00:00Z",
        "2025-10-09T08:53:60Z",
        "2025-10-09T08:53:20.1234567890Z",
        "1969-12-31T23:59:59Z",
        "2025-10-09T08:53:20Z\n",
    ],
)
def test_anything_else_is_refused_without_being_quoted(value: object):
    with pytest.raises(BadTimestamp) as caught:
        to_microseconds(value)

    assert not value or str(value).strip() not in str(caught.value)


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001  -- made aware below
    st.integers(-12 * 60, 14 * 60),
)
def test_an_iso_text_means_what_the_standard_library_says_it_means(naive: datetime, offset_minutes: int):
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))

    us = to_microseconds(moment.isoformat())

    assert us == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@given(st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.binary()))
def test_no_value_raises_anything_but_its_own_error(value: object):
    try:
        us = to_microseconds(value)
    except BadTimestamp:
        return

    assert 0 <= us <= 253_402_300_799_999_999
