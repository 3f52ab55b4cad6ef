"""Who exists, and who may do anything."""

from __future__ import annotations

import pytest
from unkey_sync.clock import DAY
from unkey_sync.desired import compute_desired
from unkey_sync.links import stand_in
from unkey_sync.model import Access, State, SubjectKind

from tests.unit.core.given import (
    AUTH,
    NO_AUTH,
    NOW,
    TIERS,
    customer,
    desired,
    organization,
    policy,
    subscription,
    user,
)


def test_an_organisation_that_auth_knows_is_enabled() -> None:
    result = desired(organization())

    assert (result.access, result.kind, result.plan) == (Access.ENABLED, SubjectKind.ORGANIZATION, "free")


def test_a_subject_known_from_billing_only_waits_for_auth() -> None:
    result = desired(customer(), subscription(), world=AUTH)

    assert result.access is Access.WAITING
    assert result.plan is None


def test_without_auth_sources_a_billing_customer_is_enough() -> None:
    result = desired(customer(), subscription(), world=NO_AUTH)

    assert (result.access, result.kind, result.plan) == (Access.ENABLED, SubjectKind.UNKNOWN, "pro")


def test_without_auth_sources_a_subscription_alone_is_enough() -> None:
    result = desired(subscription(), world=NO_AUTH)

    assert result.access is Access.ENABLED


def test_without_auth_sources_a_deleted_customer_is_removed_whatever_its_subscriptions_say() -> None:
    result = desired(customer(deleted=True), subscription(), world=NO_AUTH)

    assert result.access is Access.REMOVED


def test_without_auth_sources_a_second_living_customer_keeps_the_subject() -> None:
    result = desired(customer(deleted=True), customer(entity_id="cus_2"), world=NO_AUTH)

    assert result.access is Access.ENABLED


def test_a_subject_without_any_fact_waits() -> None:
    result = desired(world=NO_AUTH)

    assert result.access is Access.WAITING


@pytest.mark.parametrize("blocked", ["banned", "locked", "deprovisioned", "something_new"])
def test_a_blocked_account_is_suspended_and_keeps_its_plan(blocked) -> None:
    result = desired(organization(blocked), subscription())

    assert (result.access, result.plan) == (Access.SUSPENDED, "pro")


def test_a_block_that_the_policy_keeps_changes_nothing() -> None:
    result = desired(organization("locked"), rules=f'{TIERS}\n[lifecycle]\nlocked = "keep"')

    assert result.access is Access.ENABLED


def test_one_block_among_several_auth_sources_suspends() -> None:
    result = desired(organization(), organization("banned", source="workos"))

    assert result.access is Access.SUSPENDED


def test_a_deleted_organisation_is_removed_at_once_by_default() -> None:
    result = desired(organization(deleted=True, version=NOW - 5), subscription())

    assert (result.access, result.plan, result.removed_since) == (Access.REMOVED, None, NOW - 5)


def test_a_deleted_organisation_is_retained_until_its_time_is_over() -> None:
    rules = '[lifecycle]\ndeleted = { erase_after = "30d" }'
    gone = organization(deleted=True, version=NOW)

    before = desired(gone, rules=rules, now=NOW + 30 * DAY - 1)
    after = desired(gone, rules=rules, now=NOW + 30 * DAY)

    assert (before.access, before.changes_at) == (Access.RETAINED, NOW + 30 * DAY)
    assert (after.access, after.changes_at, after.removed_since) == (Access.REMOVED, None, NOW + 30 * DAY)


def test_an_account_that_lives_on_in_another_auth_source_is_not_removed() -> None:
    result = desired(organization(deleted=True), organization(source="workos"))

    assert result.access is Access.ENABLED


def test_nothing_is_made_for_a_subject_of_the_wrong_kind() -> None:
    result = desired(user(), rules='[subjects]\nowner = "organization"')

    assert (result.access, result.kind) == (Access.WAITING, SubjectKind.USER)
    assert [reason.rule for reason in result.reasons if reason.field == "access"] == ["subjects.owner"]


def test_a_deletion_is_obeyed_for_the_wrong_kind_too() -> None:
    result = desired(user(deleted=True), rules='[subjects]\nowner = "organization"')

    assert result.access is Access.REMOVED


def test_a_deleted_owner_is_not_replaced_by_a_living_subject_of_the_wrong_kind() -> None:
    result = desired(organization(deleted=True), user(), rules='[subjects]\nowner = "organization"')

    assert result.access is Access.REMOVED


def test_a_deletion_far_in_the_future_is_retained_until_the_calendar_ends() -> None:
    result = desired(organization(deleted=True, version=10**30))

    assert result.access is Access.RETAINED
    assert result.changes_at == 253_402_300_799_000_000


def test_the_external_id_is_the_encoded_subject() -> None:
    state = State(subject="auth0|1", facts=(user(),))

    result = compute_desired(state, policy(), AUTH, NOW)

    assert result.external_id == "auth0.7C1"


def test_nothing_is_made_for_a_customer_that_names_nobody_yet() -> None:
    state = State(subject=stand_in("stripe", "cus_1"), facts=(customer(), subscription()))

    result = compute_desired(state, policy(), NO_AUTH, NOW)

    assert (result.access, result.plan) == (Access.WAITING, None)
