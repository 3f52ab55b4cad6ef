"""Every field of the desired state can be explained."""

from __future__ import annotations

from dataclasses import fields

import pytest
from unkey_sync.clock import DAY
from unkey_sync.model import Desired, Fact
from unkey_sync.why import Row, explain_rows

from tests.unit.core.given import NOW, TIERS, desired, entitlements, member, organization, subscription, user

EXPLAINED = {f.name for f in fields(Desired)} - {"reasons", "problems", "removed_since"}


def rows_of(*facts: Fact, rules: str = TIERS) -> dict[str, Row]:
    return {row.field: row for row in explain_rows(desired(*facts, rules=rules))}


@pytest.mark.parametrize(
    "facts",
    [
        (),
        (organization(),),
        (organization(deleted=True),),
        (organization("banned"), subscription(cancel_at=NOW + DAY)),
        (organization(), subscription("past_due", past_due_since=0)),
        (user(), entitlements("max")),
    ],
)
def test_every_field_has_exactly_one_reason(facts) -> None:
    rows = explain_rows(desired(*facts))

    assert sorted(row.field for row in rows) == sorted(EXPLAINED)


def test_a_plan_is_explained_by_its_match_and_by_the_event() -> None:
    rows = rows_of(organization(), subscription(quantity=2, cancel_at=NOW + DAY))

    by_event = "by stripe subscription.updated (event evt_sub_1)"
    assert rows["plan"] == Row("plan", "pro", f"plans[1].match[0], {by_event}")
    assert rows["ratelimits"] == Row("ratelimits", "requests=2000/60000ms", f"plans[1].match[0], {by_event}")
    assert rows["meta"].value == "support, sync"
    assert rows["seats"] == Row("seats", "2", f"builtin.seats, {by_event}")
    assert rows["changes_at"] == Row(
        "changes_at", "2026-01-02T00:00:00+00:00", f"lifecycle.canceled, {by_event}"
    )


def test_the_default_plan_is_explained_by_its_line() -> None:
    rows = rows_of(organization(), member(1))

    assert rows["plan"] == Row("plan", "free", "plans[0].default")
    assert rows["changes_at"] == Row("changes_at", "never", "builtin.stays")


def test_no_plan_at_all_is_explained_too() -> None:
    rows = rows_of(organization(), rules="")

    assert rows["plan"] == Row("plan", "none", "builtin.no_default_plan")


def test_a_suspension_is_explained_by_what_caused_it() -> None:
    banned = rows_of(organization("banned"))
    unpaid = rows_of(organization(), subscription("past_due", past_due_since=0))

    assert banned["access"].because == "lifecycle.banned, by clerk organization.updated (event evt_org_1)"
    assert unpaid["access"].because == "lifecycle.past_due, by stripe subscription.updated (event evt_sub_1)"


def test_an_unpaid_subscription_of_an_unknown_plan_still_explains_the_suspension() -> None:
    rows = rows_of(organization(), subscription("past_due", item="gold", past_due_since=0))

    assert rows["access"].because.startswith("lifecycle.past_due")
    assert rows["plan"].value == "free"


def test_a_retained_subject_says_until_when() -> None:
    rules = f'{TIERS}\n[lifecycle]\ndeleted = {{ erase_after = "1d" }}'

    rows = rows_of(organization(deleted=True, version=NOW), rules=rules)

    assert rows["changes_at"].value == "2026-01-02T00:00:00+00:00"
    assert rows["access"].value == "retained"


def test_problems_are_told_last() -> None:
    rows = explain_rows(desired(organization(), subscription(item="gold")))

    assert rows[-1].field == "problem"
    assert "gold" in rows[-1].value
