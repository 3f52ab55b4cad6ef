"""Supabase: what its two kinds of delivery mean, and what its admin API shows."""

from __future__ import annotations

from typing import Any

import pytest
from unkey_sync import facts
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Entity, EventOp, Kind

from tests.unit.connectors.natives import Answers, native, payload
from tests.unit.connectors.support import NOW, SECOND, only, read
from tests.unit.connectors.test_natives_order import known_after

USER = Entity(Kind.USER, "8d0fd2b3-9ca7-4d9e-a95f-9e13dded323e")
PATH = f"/auth/v1/admin/users/{USER.id}"


def row(event_type: str = "INSERT", **changes: Any) -> dict[str, Any]:
    body = payload("supabase", event_type)
    return {**body, "record": {**body["record"], **changes}}


def api_user(**changes: Any) -> dict[str, Any]:
    return {**payload("supabase", "after-user-created")["user"], **changes}


def test_only_metadata_that_users_cannot_write_is_read_through_either_door():
    by_table = only(native("supabase"), payload("supabase", "INSERT"))
    by_hook = only(native("supabase"), payload("supabase", "after-user-created"))

    assert (
        by_table.body
        == by_hook.body
        == {"external_ref": None, "blocked": None, "metadata": {"org_id": "org_acme"}}
    )


def test_one_creation_told_through_both_doors_is_one_user_without_a_doubt():
    told = [read(native("supabase"), payload("supabase", name)) for name in ("INSERT", "after-user-created")]

    known = known_after(told)

    assert set(known) == {USER}
    assert not known[USER].doubt


def test_a_second_attempt_of_a_hook_is_the_same_delivery():
    first = only(native("supabase"), payload("supabase", "after-user-created"))

    assert first.delivery_id == payload("supabase", "after-user-created")["metadata"]["uuid"]
    assert first.occurred_at == 1_767_225_600_223_456


def test_the_hook_before_a_sign_up_says_nothing_yet():
    assert only(native("supabase"), payload("supabase", "before-user-created")).op is EventOp.IGNORE


def test_a_hook_user_without_a_date_takes_the_hooks():
    body = payload("supabase", "after-user-created")
    del body["user"]["updated_at"]

    assert only(native("supabase"), body).version == 1_767_225_600_223_456


@pytest.mark.parametrize(
    ("until", "blocked"),
    [(None, None), ("2025-12-31T00:00:00Z", None), ("2026-02-01T00:00:00+00:00", "banned")],
)
def test_a_ban_counts_while_it_lasts_beyond_the_rows_own_date(until: str | None, blocked: str | None):
    assert only(native("supabase"), row(banned_until=until)).body["blocked"] == blocked


def test_a_soft_delete_is_a_delete_and_an_anonymous_user_nobody():
    soft = only(native("supabase"), row("UPDATE", deleted_at="2026-01-01T00:02:00.5Z"))
    anonymous = only(native("supabase"), row(is_anonymous=True))

    assert (soft.op, soft.entity, soft.version) == (EventOp.DELETE, USER, 1_767_225_720_500_000)
    assert anonymous.op is EventOp.IGNORE


def test_a_deleted_row_never_comes_back_whatever_its_date():
    body = payload("supabase", "DELETE")
    body["old_record"]["updated_at"] = None
    told = [read(native("supabase"), one) for one in (body, payload("supabase", "UPDATE"))]

    assert known_after(told)[USER].deleted


def test_a_change_of_nothing_but_the_last_sign_in_says_nothing_new():
    before = only(native("supabase"), row())
    after = only(native("supabase"), row("UPDATE", banned_until=None, last_sign_in_at="2026-01-01T00:01:00Z"))
    known = facts.from_event(before, "evt_1")

    assert facts.join(known, facts.from_event(after, "evt_2")).says_the_same(known)


@pytest.mark.parametrize("change", [{"schema": "public"}, {"table": "profiles"}, {"table": None}])
def test_other_tables_are_ignored(change: dict[str, Any]):
    assert only(native("supabase"), {**payload("supabase", "INSERT"), **change}).op is EventOp.IGNORE


def test_the_same_row_twice_is_one_delivery():
    first, second = (only(native("supabase"), payload("supabase", "INSERT")) for _ in range(2))

    assert first == second
    assert first.delivery_id.startswith("body:")


def test_a_row_without_its_date_is_parked():
    with pytest.raises(Unusable, match=r"record\.updated_at is missing"):
        read(native("supabase"), row(updated_at=None))


def test_a_sign_up_is_answered_with_an_empty_204():
    answer = native("supabase").answer()

    assert (answer.status, answer.body, dict(answer.headers)) == (204, b"", {})


def test_a_user_is_fetched_by_its_id():
    told = only(native("supabase"), payload("supabase", "after-user-created"))

    found = native("supabase").fetch(Answers({PATH: api_user()}), USER, None)
    gone = native("supabase").fetch(Answers({}), USER, None)

    assert (found.entity, found.body, found.version) == (USER, told.body, told.version)
    assert (gone.op, gone.entity, gone.terminal) == (EventOp.DELETE, USER, False)


def test_nothing_but_users_is_fetched():
    assert native("supabase").fetch(Answers({}), Entity(Kind.CATALOGUE, "x"), None).op is EventOp.IGNORE


def users(params: dict[str, Any]) -> dict[str, Any]:
    rows = [api_user(id=f"user-{n}") for n in range(101)]
    rows[100]["updated_at"] = "2026-01-03T00:00:00Z"
    start = (params["page"] - 1) * params["per_page"]
    return {"users": [*rows[start : start + params["per_page"]]]}


def test_a_backfill_lists_users_and_goes_on_after_any_page():
    api = Answers({"/auth/v1/admin/users": users})

    whole = list(native("supabase").pages(api, None))

    assert [(len(page.events), page.last) for page in whole] == [(100, False), (1, True)]
    assert list(native("supabase").pages(api, whole[0].checkpoint)) == whole[1:]


def test_a_user_that_cannot_be_understood_is_fetched():
    api = Answers({"/auth/v1/admin/users": {"users": [api_user(banned_until="?")]}})

    (page,) = native("supabase").pages(api, None)

    assert [(event.op, event.entity) for event in page.events] == [(EventOp.SIGNAL, USER)]


def test_catching_up_shows_only_what_changed():
    api = Answers({"/auth/v1/admin/users": users})

    found = list(native("supabase").catch_up(api, NOW + 86_400 * SECOND, None))

    assert [event.entity for page in found for event in page.events] == [Entity(Kind.USER, "user-100")]
    assert [page.last for page in found] == [False, True]
