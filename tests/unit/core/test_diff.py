"""The calls that move what Unkey holds to what it should hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unkey_sync.clock import SECOND
from unkey_sync.diff import Plan, compute_operations, owned_fields
from unkey_sync.model import (
    Access,
    Call,
    Desired,
    Moment,
    Observed,
    ObservedKey,
    RateLimit,
    Reason,
    SubjectKind,
)

NOW = 1_000 * SECOND
SETTLE = 30 * SECOND
REQUESTS = RateLimit("requests", 100, 60_000, True)
EXPORTS = RateLimit("exports", 5, 1_000, False)

WANTED = Desired(
    external_id="org_1",
    kind=SubjectKind.ORGANIZATION,
    access=Access.ENABLED,
    plan="pro",
    meta={"support": "priority", "sync": {"fields": ["support"], "plan": "pro"}},
    ratelimits=(EXPORTS, REQUESTS),
    reasons=(Reason("plan", "pro", "plans[1].match[0]"),),
)
SYNCED = Observed(
    identity_id="id_1",
    meta=WANTED.meta,
    owned_fields=frozenset({"support", "sync"}),
    ratelimits=(REQUESTS, EXPORTS),
)
ON = ObservedKey(key_id="key_on", enabled=True)
OFF_BY_US = ObservedKey(key_id="key_ours", enabled=False, disabled_by_us=True)
OFF_BY_OWNER = ObservedKey(key_id="key_theirs", enabled=False)


def operations(desired: Desired, observed: Observed, now: int = NOW) -> Plan:
    return compute_operations(desired, observed, Moment(now, SETTLE))


def calls(desired: Desired, observed: Observed, now: int = NOW) -> list[tuple[Call, str]]:
    return [(operation.call, operation.target) for operation in operations(desired, observed, now).operations]


def closing(access: Access, removed_since: int | None = None) -> Desired:
    meta = {} if access in (Access.RETAINED, Access.REMOVED) else WANTED.meta
    limits = () if access in (Access.RETAINED, Access.REMOVED) else WANTED.ratelimits
    return replace(WANTED, access=access, meta=meta, ratelimits=limits, removed_since=removed_since)


def fenced(*keys: ObservedKey, listed_at: int, fenced_at: int = NOW) -> Observed:
    return replace(SYNCED, keys=keys, keys_listed_at=listed_at, fenced_at=fenced_at)


def test_a_new_subject_is_made_whole_in_one_call() -> None:
    (create,) = operations(WANTED, Observed()).operations

    assert (create.call, create.target, create.before) == (Call.CREATE_IDENTITY, "org_1", {})
    assert create.after == {
        "meta": WANTED.meta,
        "ratelimits": [
            {"name": "exports", "limit": 5, "duration": 1000, "auto_apply": False},
            {"name": "requests", "limit": 100, "duration": 60000, "auto_apply": True},
        ],
    }
    assert create.why == "plan pro by plans[1].match[0]"


def test_nothing_is_done_when_all_is_as_desired_whatever_the_order_of_limits() -> None:
    assert operations(WANTED, SYNCED) == Plan()


def test_only_what_differs_is_sent() -> None:
    slower = replace(SYNCED, ratelimits=(replace(REQUESTS, limit=1), EXPORTS))
    unmarked = replace(SYNCED, meta={})

    (limits,) = operations(WANTED, slower).operations
    (meta,) = operations(WANTED, unmarked).operations

    assert (limits.call, set(limits.after)) == (Call.UPDATE_IDENTITY, {"ratelimits"})
    assert limits.before["ratelimits"][1]["limit"] == 1
    assert (meta.call, meta.before, meta.after) == (Call.UPDATE_IDENTITY, {"meta": {}}, {"meta": WANTED.meta})


def test_fields_of_others_survive_and_our_old_ones_go() -> None:
    observed = replace(
        SYNCED, meta={**WANTED.meta, "crm": 7, "old": 1}, owned_fields=frozenset({"support", "old", "sync"})
    )

    (update,) = operations(WANTED, observed).operations

    assert update.after == {"meta": {**WANTED.meta, "crm": 7}}


def test_our_old_fields_are_known_from_the_identity_itself_without_a_ledger() -> None:
    observed = replace(
        SYNCED, owned_fields=frozenset(), meta={"old": 1, "crm": 7, "sync": {"fields": ["old"], "plan": "x"}}
    )

    (update,) = operations(WANTED, observed).operations

    assert update.after == {"meta": {**WANTED.meta, "crm": 7}}


@pytest.mark.parametrize("sync", [None, "x", {"fields": "x"}, {"fields": [1]}, {}])
def test_a_damaged_sync_block_names_no_field(sync) -> None:
    assert owned_fields({"sync": sync}) == {"sync"}


@pytest.mark.parametrize(
    ("wanted", "found", "differs"),
    [
        (True, 1, True), (1, True, True), (1, 1.0, False), ([1, {"a": 2}], [1, {"a": 2.0}], False),
        ([1], [1, 2], True), ({"a": 1}, {"b": 1}, True), ({"a": 1}, [1], True),
        ("1", 1, True), (True, True, False),
    ],
)  # fmt: skip
def test_meta_is_compared_as_json(wanted, found, differs) -> None:
    desired = replace(WANTED, meta={"value": wanted})
    observed = replace(SYNCED, meta={"value": found}, owned_fields=frozenset({"value"}))

    assert bool(operations(desired, observed).operations) is differs


def test_waiting_makes_nothing_and_takes_nothing() -> None:
    waiting = replace(WANTED, access=Access.WAITING)

    assert operations(waiting, Observed()) == Plan()
    assert operations(waiting, replace(SYNCED, keys=(ON,))) == Plan()


def test_only_keys_that_we_disabled_come_back_and_limits_stand_before_them() -> None:
    observed = replace(SYNCED, ratelimits=(), keys=(OFF_BY_US, OFF_BY_OWNER, ON))

    assert calls(WANTED, observed) == [(Call.UPDATE_IDENTITY, "org_1"), (Call.UPDATE_KEY, "key_ours")]
    assert operations(WANTED, observed).operations[1].after == {"enabled": True}


@pytest.mark.parametrize("access", [Access.SUSPENDED, Access.RETAINED, Access.REMOVED])
def test_closing_disables_known_keys_and_looks_for_others_first(access) -> None:
    unknown = SYNCED
    known = replace(SYNCED, keys=(ON, OFF_BY_OWNER))

    assert calls(closing(access), unknown) == [(Call.LIST_KEYS, "org_1")]
    assert calls(closing(access), known) == [(Call.UPDATE_KEY, "key_on"), (Call.LIST_KEYS, "org_1")]


@pytest.mark.parametrize("access", [Access.SUSPENDED, Access.RETAINED, Access.REMOVED])
def test_closing_disables_every_enabled_key_that_a_listing_shows(access) -> None:
    observed = fenced(ON, OFF_BY_US, listed_at=NOW)

    (disable,) = operations(closing(access), observed).operations

    assert (disable.call, disable.target, disable.after) == (Call.UPDATE_KEY, "key_on", {"enabled": False})


@pytest.mark.parametrize("access", [Access.SUSPENDED, Access.RETAINED, Access.REMOVED])
def test_closing_is_believed_only_after_a_listing_that_began_after_settling(access) -> None:
    observed = fenced(OFF_BY_US, listed_at=NOW)

    too_early = operations(closing(access), observed, now=NOW + SETTLE - 1)
    in_time = calls(closing(access), observed, now=NOW + SETTLE)

    assert too_early == Plan(look_again_at=NOW + SETTLE)
    assert in_time == [(Call.LIST_KEYS, "org_1")]


def test_keys_are_erased_and_the_identity_goes_last() -> None:
    proven = fenced(OFF_BY_US, OFF_BY_OWNER, listed_at=NOW + SETTLE)

    assert calls(closing(Access.REMOVED), proven) == [
        (Call.DELETE_KEY, "key_ours"),
        (Call.DELETE_KEY, "key_theirs"),
        (Call.DELETE_IDENTITY, "org_1"),
    ]
    assert operations(closing(Access.REMOVED), replace(proven, identity_id=None, keys=())) == Plan()
    assert operations(closing(Access.RETAINED), proven) == Plan()
    assert operations(closing(Access.SUSPENDED), proven) == Plan()


def test_a_listing_from_before_the_end_of_retention_proves_nothing() -> None:
    ended = NOW + 5_000 * SECOND
    removed = closing(Access.REMOVED, removed_since=ended)
    observed = fenced(OFF_BY_US, listed_at=NOW + SETTLE)

    assert operations(removed, observed, now=ended) == Plan(look_again_at=ended + SETTLE)
    assert calls(removed, observed, now=ended + SETTLE) == [(Call.LIST_KEYS, "org_1")]


def test_a_key_that_shows_up_late_starts_the_wait_again() -> None:
    late = fenced(ON, listed_at=NOW + SETTLE)
    disabled = fenced(OFF_BY_US, listed_at=NOW + SETTLE, fenced_at=NOW + SETTLE + 1)

    assert calls(closing(Access.REMOVED), late) == [(Call.UPDATE_KEY, "key_on")]
    assert (
        operations(closing(Access.REMOVED), disabled, now=NOW + SETTLE + 2).look_again_at
        == NOW + 2 * SETTLE + 1
    )


@pytest.mark.parametrize("access", [Access.RETAINED, Access.REMOVED])
def test_somebody_we_never_met_is_looked_for_and_what_is_removed_already_needs_no_call(access) -> None:
    assert calls(closing(access), Observed()) == [(Call.LIST_KEYS, "org_1")]
    nobody = Observed(keys=(), keys_listed_at=NOW + SETTLE, fenced_at=NOW)
    assert operations(closing(access), nobody, now=NOW + SETTLE) == Plan()
    assert operations(closing(access), Observed(removed=True, keys=(OFF_BY_US,))) == Plan()


def test_a_subject_that_begins_suspended_is_made_after_its_keys_were_looked_for() -> None:
    listed = Observed(keys=(), keys_listed_at=NOW, fenced_at=NOW)

    assert calls(closing(Access.SUSPENDED), Observed()) == [(Call.LIST_KEYS, "org_1")]
    assert calls(closing(Access.SUSPENDED), listed) == [(Call.CREATE_IDENTITY, "org_1")]


def test_a_suspended_subject_still_follows_its_plan_after_its_keys() -> None:
    observed = replace(fenced(ON, listed_at=NOW), ratelimits=())

    assert calls(closing(Access.SUSPENDED), observed) == [
        (Call.UPDATE_KEY, "key_on"),
        (Call.UPDATE_IDENTITY, "org_1"),
    ]


def test_a_removed_subject_that_returns_is_made_anew() -> None:
    assert calls(WANTED, Observed(removed=True)) == [(Call.CREATE_IDENTITY, "org_1")]


def test_an_operation_shows_no_content_when_printed() -> None:
    observed = replace(SYNCED, meta={"email": "zoe@example.com"})

    (update,) = operations(WANTED, observed).operations

    assert "zoe@example.com" in str(update.before)
    assert "zoe@example.com" not in repr(update)
