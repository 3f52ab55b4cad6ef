"""Credits: on create, by update, by updateCredits, and the nightly refill."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import Unkey

DAILY = {"interval": "daily", "amount": 100}
JANUARY_30 = "2030-01-30T12:00:00Z"


@pytest.mark.parametrize(
    ("credits", "detail"),
    [
        (
            {"remaining": None, "refill": DAILY},
            "`credits.remaining` must be provided when `credits.refill` is set.",
        ),
        (
            {"remaining": 1, "refill": {"interval": "monthly", "amount": 5}},
            "`refillDay` must be provided when the refill interval is `monthly`.",
        ),
    ],
)
def test_credits_that_contradict_themselves_are_refused(unkey: Unkey, credits: dict[str, Any], detail: str):
    assert unkey.refused("keys.createKey", {"apiId": unkey.api(), "credits": credits}).detail == detail


def test_a_day_with_a_daily_refill_is_dropped_on_create_and_refused_on_update(unkey: Unkey):
    key = unkey.key(credits={"remaining": 5, "refill": {**DAILY, "refillDay": 3}})

    refusal = unkey.refused(
        "keys.updateKey", {"keyId": key["keyId"], "credits": {"refill": {**DAILY, "refillDay": 3}}}
    )

    assert unkey.shown(key)["credits"] == {"remaining": 5, "refill": DAILY}
    assert refusal.detail == "`refillDay` must not be provided when the refill interval is `daily`."


STEPS: list[tuple[Any, Any]] = [
    ({"remaining": 50}, {"remaining": 50, "refill": DAILY}),
    ({"refill": None}, {"remaining": 10}),
    (
        {"refill": {"interval": "monthly", "amount": 7, "refillDay": 31}},
        {"remaining": 10, "refill": {"interval": "monthly", "amount": 7, "refillDay": 31}},
    ),
    ({"remaining": None}, None),
    (None, None),
    ({}, {"remaining": 10, "refill": DAILY}),
]


@pytest.mark.parametrize(("patch", "expected"), STEPS)
def test_an_update_patches_credits_by_presence(unkey: Unkey, patch: Any, expected: Any):
    key = unkey.key(credits={"remaining": 10, "refill": DAILY})

    unkey.ok("keys.updateKey", {"keyId": key["keyId"], "credits": patch})

    assert unkey.shown(key).get("credits") == expected


def test_null_remaining_clears_the_refill_for_good(unkey: Unkey):
    key = unkey.key(credits={"remaining": 10, "refill": DAILY})

    unkey.ok("keys.updateKey", {"keyId": key["keyId"], "credits": {"remaining": None}})
    unkey.ok("keys.updateKey", {"keyId": key["keyId"], "credits": {"remaining": 4}})

    assert unkey.shown(key)["credits"] == {"remaining": 4}


def test_a_refill_on_an_unlimited_key_is_invisible_until_a_number_is_set(unkey: Unkey):
    key = unkey.key()

    unkey.ok("keys.updateKey", {"keyId": key["keyId"], "credits": {"remaining": None, "refill": DAILY}})
    hidden = unkey.shown(key)
    unkey.ok("keys.updateKey", {"keyId": key["keyId"], "credits": {"remaining": 3}})

    assert "credits" not in hidden
    assert unkey.shown(key)["credits"] == {"remaining": 3, "refill": DAILY}


def moved(unkey: Unkey, key: dict[str, Any], operation: str, **value: Any) -> Any:
    return unkey.ok("keys.updateCredits", {"keyId": key["keyId"], "operation": operation, **value})


def test_increments_add_up_and_decrements_stop_at_zero(unkey: Unkey):
    key = unkey.key(credits={"remaining": 10})

    balances = [
        moved(unkey, key, operation, value=value)["remaining"]
        for operation, value in [("increment", 5), ("decrement", 3), ("decrement", 500)]
    ]

    assert balances == [15, 12, 0]


def test_set_without_a_value_makes_the_key_unlimited_and_keeps_its_refill(unkey: Unkey):
    key = unkey.key(credits={"remaining": 10, "refill": DAILY})

    answer = moved(unkey, key, "set")

    assert answer == {"remaining": None, "refill": DAILY}
    assert "credits" not in unkey.shown(key)


def test_set_to_null_clears_the_refill_too(unkey: Unkey):
    key = unkey.key(credits={"remaining": 10, "refill": DAILY})

    assert moved(unkey, key, "set", value=None) == {"remaining": None}


@pytest.mark.parametrize("operation", ["increment", "decrement"])
def test_relative_changes_need_a_value_and_a_limited_key(unkey: Unkey, operation: str):
    limited, unlimited = unkey.key(credits={"remaining": 1}), unkey.key()

    without = unkey.refused("keys.updateCredits", {"keyId": limited["keyId"], "operation": operation})
    of_all = unkey.refused(
        "keys.updateCredits", {"keyId": unlimited["keyId"], "operation": operation, "value": 1}
    )

    assert without.detail == "When specifying an increment or decrement operation, a value must be provided."
    assert of_all.detail == "You cannot increment or decrement a key with unlimited credits."


@pytest.mark.parametrize(("start", "expected"), [(0, 100), (40, 100), (100, 100), (250, 250)])
def test_the_night_fills_up_to_the_amount_and_takes_nothing_away(unkey: Unkey, start: int, expected: int):
    key = unkey.key(credits={"remaining": start, "refill": DAILY})

    unkey.sandbox.clock(to="refill")

    assert unkey.shown(key)["credits"]["remaining"] == expected


def test_the_night_ends_an_unlimited_key_that_carries_a_refill(unkey: Unkey):
    key = unkey.key(credits={"remaining": 1, "refill": DAILY})
    moved(unkey, key, "set")

    unkey.sandbox.clock(to="refill")

    assert unkey.shown(key)["credits"]["remaining"] == 100


def test_a_key_without_a_refill_is_left_alone_by_the_night(unkey: Unkey):
    key = unkey.key(credits={"remaining": 1})

    unkey.sandbox.clock(to="refill")

    assert unkey.shown(key)["credits"] == {"remaining": 1}


def test_a_monthly_refill_waits_for_its_day_and_takes_the_last_day_of_a_short_month(unkey: Unkey):
    unkey.sandbox.clock(tick=False, set=JANUARY_30)
    refills = {day: {"interval": "monthly", "amount": 100, "refillDay": day} for day in (1, 15, 31)}
    keys = {day: unkey.key(credits={"remaining": 0, "refill": refill}) for day, refill in refills.items()}

    seen = {}
    for date in ("2030-01-31", "2030-02-01", "2030-02-15"):
        unkey.sandbox.clock(set=f"{date}T00:00:00Z")
        seen[date] = {day for day, key in keys.items() if unkey.shown(key)["credits"]["remaining"] == 100}

    assert seen == {"2030-01-31": {31}, "2030-02-01": {31, 1}, "2030-02-15": {31, 1, 15}}


def test_the_last_day_of_february_serves_the_31st(unkey: Unkey):
    unkey.sandbox.clock(tick=False, set="2030-02-27T12:00:00Z")
    key = unkey.key(credits={"remaining": 0, "refill": {"interval": "monthly", "amount": 5, "refillDay": 31}})

    unkey.sandbox.clock(set="2030-02-28T00:00:00Z")

    assert unkey.shown(key)["credits"]["remaining"] == 5
