"""Clerk's Backend API: one object now, everything page by page, the users that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unkey_sync_connectors.base import Gone, Unusable
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind

from tests.unit.connectors.support import NOW, SECOND, FakeApi, clerk, clerk_api, only, sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unkey_sync_connectors.base import Page

USERS = "/v1/users"
ORGANIZATIONS = "/v1/organizations"
MEMBERSHIPS = "/v1/organization_memberships"
ITEMS = "/v1/billing/subscription_items"
MS = 1_767_225_600_000
USER = Entity(Kind.USER, "user_1")
ORGANIZATION = Entity(Kind.ORGANIZATION, "org_1")
MEMBERSHIP = Entity(Kind.MEMBERSHIP, "org_1:user_1")
ITEM = Entity(Kind.SUBSCRIPTION, "item_1")


def user(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": f"user_{number}", "object": "user", "created_at": MS, "updated_at": MS + number, **changes}


def organization(number: int) -> dict[str, Any]:
    return {"id": f"org_{number}", "object": "organization", "updated_at": MS + number}


def membership(organization_id: str, user_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"orgmem_{organization_id}_{user_id}",
        "organization": {"id": organization_id},
        "public_user_data": {"user_id": user_id, "identifier": "ada@example.com"},
        "role": "org:member",
        "permissions": ["org:posts:read"],
        "updated_at": MS,
        **changes,
    }


def item(item_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": item_id,
        "status": "active",
        "plan": {"id": "cplan_1", "slug": "pro"},
        "payer": {"user_id": "", "organization_id": "org_1"},
        "updated_at": MS,
        **changes,
    }


def ids(pages: Iterable[Page]) -> list[str]:
    return [event.entity.id for page in pages for event in page.events if event.entity]


def events(pages: Iterable[Page]) -> list[Event]:
    return [event for page in pages for event in page.events]


# One object


def test_a_user_is_fetched_as_it_is_now():
    api = FakeApi(objects={"/v1/users/user_1": user(1, external_id="u-1", banned=True)})

    event = clerk().fetch(api, USER, None)

    assert (event.op, event.entity, event.type) == (EventOp.UPSERT, USER, "fetch")
    assert event.body == {"external_ref": "u-1", "blocked": "banned", "metadata": {}}
    assert (event.version, event.resolution) == ((MS + 1) * 1_000, 1_000)


def test_an_organisation_is_fetched_as_it_is_now():
    api = FakeApi(objects={"/v1/organizations/org_1": organization(1)})

    event = clerk().fetch(api, ORGANIZATION, None)

    assert (event.op, event.entity) == (EventOp.UPSERT, ORGANIZATION)


def test_a_membership_is_found_among_its_organisations_members():
    api = FakeApi(lists={"/v1/organizations/org_1/memberships": [membership("org_1", "user_1")]})

    event = clerk().fetch(api, MEMBERSHIP, ORGANIZATION)

    assert api.asked[0].params["user_id"] == "user_1"
    assert (event.op, event.entity) == (EventOp.UPSERT, MEMBERSHIP)
    assert (event.owner, event.member) == (ORGANIZATION, USER)
    assert event.body["permissions"] == ["org:posts:read"]


@pytest.mark.parametrize("rows", [[], [membership("org_1", "user_2")]])
def test_a_membership_that_is_not_listed_is_gone_but_may_come_back(rows: list[dict[str, Any]]):
    api = FakeApi(lists={"/v1/organizations/org_1/memberships": rows})

    event = clerk().fetch(api, MEMBERSHIP, ORGANIZATION)

    assert (event.op, event.entity, event.terminal) == (EventOp.DELETE, MEMBERSHIP, False)
    assert (event.version, event.resolution) == (NOW, SECOND)
    assert (event.owner, event.member) == (ORGANIZATION, USER)


@pytest.mark.parametrize(
    ("payer", "path"),
    [
        (ORGANIZATION, "/v1/organizations/org_1/billing/subscription"),
        (USER, "/v1/users/user_1/billing/subscription"),
    ],
)
def test_a_billing_item_is_found_in_its_payers_subscription(payer: Entity, path: str):
    api = FakeApi(
        objects={path: {"id": "sub_1", "subscription_items": [item("item_0"), item("item_1", payer=None)]}}
    )

    event = clerk().fetch(api, ITEM, payer)

    assert (event.op, event.entity, event.owner) == (EventOp.UPSERT, ITEM, payer)
    assert event.body["status"] == "active"


def test_a_billing_item_that_its_payer_no_longer_has_is_gone():
    api = FakeApi(
        objects={"/v1/organizations/org_1/billing/subscription": {"subscription_items": [item("item_0")]}}
    )

    event = clerk().fetch(api, ITEM, ORGANIZATION)

    assert (event.op, event.entity, event.owner) == (EventOp.DELETE, ITEM, ORGANIZATION)
    assert event.version == NOW


def test_a_billing_item_without_a_known_payer_cannot_be_read():
    with pytest.raises(Unusable, match="payer"):
        clerk().fetch(FakeApi(), ITEM, None)


@pytest.mark.parametrize("entity", [USER, ORGANIZATION, MEMBERSHIP, ITEM])
@pytest.mark.parametrize("date", [NOW, None])
def test_what_clerk_does_not_know_is_deleted_at_the_time_it_said_so(entity: Entity, date: int | None):
    event = clerk().fetch(FakeApi(date=date), entity, ORGANIZATION)

    assert (event.op, event.entity) == (EventOp.DELETE, entity)
    assert event.version == (date or 0)
    # An API key of the wrong instance knows nobody: that must not bury anybody for ever.
    assert not event.terminal


def test_the_role_catalogue_is_not_fetched():
    api = FakeApi()

    event = clerk().fetch(api, Entity(Kind.CATALOGUE, "role_1"), None)

    assert (event.op, api.asked) == (EventOp.IGNORE, [])


def test_an_answer_that_is_no_object_cannot_be_used():
    with pytest.raises(Unusable):
        clerk().fetch(FakeApi(objects={"/v1/users/user_1": ["?"]}), USER, None)


def test_ids_are_quoted_in_paths():
    api = FakeApi()

    clerk().fetch(api, Entity(Kind.USER, "../v1/users?x=1"), None)

    assert api.paths() == ["/v1/users/..%2Fv1%2Fusers%3Fx%3D1"]


# Everything


def test_a_backfill_lists_users_organisations_memberships_and_billing_items():
    api = clerk_api(
        lists={
            USERS: [user(1), user(2)],
            ORGANIZATIONS: [organization(1)],
            MEMBERSHIPS: [membership("org_1", "user_1")],
            ITEMS: [item("item_1")],
        },
        objects={"/v1/users/count": {"object": "total_count", "total_count": 2}},
    )

    pages = list(clerk().pages(api, None))

    assert ids(pages) == ["user_1", "user_2", "org_1", "org_1:user_1", "item_1"]
    assert {event.type for event in events(pages)} == {"backfill"}
    assert {page.total for page in pages} == {5}
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]


def test_a_listed_object_never_claims_to_be_newer_than_its_own_change():
    api = clerk_api(lists={USERS: [user(1)]})

    (event,) = events(clerk().pages(api, None))

    assert (event.version, event.occurred_at) == ((MS + 1) * 1_000, (MS + 1) * 1_000)


def test_an_unchanged_object_is_recognised_and_a_changed_one_is_not():
    world = [[membership("org_1", "user_1")], [membership("org_1", "user_1", permissions=[])]]
    first, again, edited = (
        events(clerk().pages(clerk_api(lists={MEMBERSHIPS: rows}, date=date), None))[0].delivery_id
        for rows, date in ((world[0], NOW), (world[0], NOW + SECOND), (world[1], NOW))
    )

    assert first == again
    assert first.startswith("list:membership:org_1:user_1:")
    assert edited != first


def test_a_backfill_resumed_after_any_page_misses_nothing():
    lists = {
        USERS: [user(n) for n in range(1_100)],
        ORGANIZATIONS: [organization(n) for n in range(1_100)],
        MEMBERSHIPS: [membership("org_1", f"user_{n}") for n in range(600)],
        ITEMS: [item("item_1")],
    }
    whole = list(clerk().pages(clerk_api(lists=lists), None))

    for cut, page in enumerate(whole, start=1):
        rest = list(clerk().pages(clerk_api(lists=lists), page.checkpoint))

        assert set(ids(whole[:cut])) | set(ids(rest)) == set(ids(whole))
        assert rest[-1].last

    assert len(set(ids(whole))) == 1_100 + 1_100 + 600 + 1


def test_rows_that_vanish_before_the_offset_do_not_hide_the_rows_behind_them():
    rows = [organization(n) for n in range(1_200)]
    survivors = {row["id"] for row in rows[400:]}
    api = clerk_api(lists={ORGANIZATIONS: rows})
    found: set[str] = set()

    for page in clerk().pages(api, None):
        found.update(ids([page]))
        if len(found) == 500 and len(rows) == 1_200:
            del rows[:400]

    assert survivors <= found


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 1_100), st.integers(0, 200)), max_size=8))
def test_whatever_is_deleted_while_we_list_all_survivors_are_seen(cuts: list[tuple[int, int]]):
    rows = [organization(n) for n in range(1_200)]
    api = clerk_api(lists={ORGANIZATIONS: rows})
    found: set[str] = set()

    remaining = iter(cuts)
    for page in clerk().pages(api, None):
        found.update(ids([page]))
        start, length = next(remaining, (0, 0))
        del rows[start : start + length]

    assert {row["id"] for row in rows} <= found


def test_a_page_size_that_the_api_cuts_short_ends_nothing():
    lists = {USERS: [user(n) for n in range(700)], ORGANIZATIONS: [organization(n) for n in range(700)]}
    api = clerk_api(lists=lists, page_size=100)

    found = set(ids(clerk().pages(api, None)))

    assert len(found) == 1_400


def test_when_the_user_we_stood_on_is_deleted_the_users_come_again():
    rows = [user(n) for n in range(600)]
    first = next(iter(clerk().pages(clerk_api(lists={USERS: rows}), None)))
    remaining = [row for row in rows if row["id"] != "user_499"]

    rest = ids(clerk().pages(clerk_api(lists={USERS: remaining}), first.checkpoint))

    assert set(rest) == {row["id"] for row in remaining}


def test_features_that_are_switched_off_are_empty():
    api = FakeApi(lists={USERS: [user(1)]})

    pages = list(clerk().pages(api, None))

    assert ids(pages) == ["user_1"]
    assert pages[-1].last
    assert {page.total for page in pages} == {None}


def test_an_api_that_knows_no_users_is_not_an_empty_one():
    with pytest.raises(Gone):
        list(clerk().pages(FakeApi(lists={ORGANIZATIONS: [organization(1)]}), None))


def test_a_finished_backfill_has_nothing_left():
    last = list(clerk().pages(clerk_api(), None))[-1]

    (page,) = clerk().pages(clerk_api(), last.checkpoint)

    assert (page.events, page.last) == ([], True)


def test_a_row_that_cannot_be_understood_is_fetched_and_stops_nothing():
    api = clerk_api(
        lists={ITEMS: [item("item_1", status="frozen"), item("item_2", payer=None), item("item_3")]}
    )

    odd, unpaid, fine = events(clerk().pages(api, None))

    assert (odd.op, odd.entity, odd.body) == (EventOp.SIGNAL, ITEM, {})
    assert unpaid.op is EventOp.SIGNAL
    assert fine.op is EventOp.UPSERT


def test_a_row_that_names_no_object_stops_the_listing():
    api = clerk_api(lists={MEMBERSHIPS: [{"id": "orgmem_1"}]})

    with pytest.raises(Unusable, match=r"organization\.id is missing"):
        list(clerk().pages(api, None))


# What changed


def recent_first(*users: dict[str, Any]) -> FakeApi:
    return clerk_api(lists={USERS: sorted(users, key=lambda row: -row["updated_at"])})


def test_catching_up_gives_the_users_that_changed_since_oldest_first():
    minutes = [user(n, updated_at=MS + n * 60_000) for n in range(20)]
    api = recent_first(*minutes)

    pages = list(clerk().catch_up(api, (MS + 12 * 60_000) * 1_000, None))

    assert ids(pages) == [f"user_{n}" for n in range(7, 20)]
    assert {event.type for event in events(pages)} == {"catch_up"}
    assert api.asked[0].params["order_by"] == "-updated_at"
    assert pages[-1].last


def test_catching_up_stops_at_the_watermark():
    api = recent_first(*(user(n, updated_at=MS + n * 60_000) for n in range(2_000)))

    found = ids(clerk().catch_up(api, (MS + 1_900 * 60_000) * 1_000, None))

    assert len(found) == 105
    assert len(api.asked) == 1


def test_catching_up_goes_on_from_any_page():
    api = recent_first(*(user(n, updated_at=MS + n * 60_000) for n in range(1_300)))
    whole = list(clerk().catch_up(api, MS * 1_000, None))

    for cut, page in enumerate(whole, start=1):
        rest = list(clerk().catch_up(api, MS * 1_000, page.checkpoint))

        assert set(ids(whole[:cut])) | set(ids(rest)) == set(ids(whole))

    assert len(set(ids(whole))) == 1_300


def test_catching_up_with_nothing_is_one_empty_last_page():
    (page,) = clerk().catch_up(recent_first(), MS * 1_000, None)

    assert (page.events, page.last) == ([], True)


def test_a_fetched_user_says_the_same_as_the_webhook_about_it():
    payload = sample(clerk(), "user.updated")
    api = FakeApi(objects={f"/v1/users/{payload['data']['id']}": payload["data"]})
    delivered = only(clerk(), payload)

    fetched = clerk().fetch(api, Entity(Kind.USER, payload["data"]["id"]), None)

    assert (fetched.version, fetched.body) == (delivered.version, delivered.body)
