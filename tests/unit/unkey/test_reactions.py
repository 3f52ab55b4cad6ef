"""The table of reactions: every row, the docs page, and what hangs on the kind of operation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from unkey_sync.clock import FakeClock
from unkey_sync.errors import Adopt, Park, Relink, Retry, RetryAt, Stop, SyncError, Unknown
from unkey_sync.unkey import Failure, KeyPatch, NewKey, Priority
from unkey_sync.unkey.reactions import BY_STATUS, BY_TYPE, MAX_PAUSE_S, Reaction, Row

from tests.unit.unkey.parts import Script, SpyGate, client, failure

DOCS = Path(__file__).parents[3] / "docs" / "unkey-client.md"
RAISED: dict[Reaction, type[SyncError]] = {
    Reaction.RETRY: Retry,
    Reaction.UNKNOWN: Unknown,
    Reaction.RETRY_AT: RetryAt,
    Reaction.RELINK: Relink,
    Reaction.ADOPT: Adopt,
    Reaction.PARK: Park,
    Reaction.STOP: Stop,
}
FAILING = [row for row in BY_STATUS if row.reaction is not Reaction.DONE]


@pytest.mark.parametrize("row", BY_TYPE, ids=lambda row: row.match)
def test_each_error_type_leads_to_its_reaction_whatever_the_status(row: Row) -> None:
    unkey = client(Script([failure(418, row.match)]))

    with pytest.raises(SyncError) as caught:
        unkey.keys.update("key_1", KeyPatch(enabled=True))

    assert type(caught.value) is RAISED[row.reaction]
    assert caught.value.request_id == "req_abc123XYZ"
    assert caught.value.operation == "keys.updateKey"


@pytest.mark.parametrize("row", FAILING, ids=lambda row: row.match)
def test_an_answer_without_an_error_type_is_judged_by_its_status(row: Row) -> None:
    status = 502 if row.match == "other" else int(row.match)
    unkey = client(Script([httpx.Response(status, text="404 page not found")]))

    with pytest.raises(SyncError) as caught:
        unkey.keys.update("key_1", KeyPatch(enabled=True))

    assert type(caught.value) is RAISED[row.reaction]


def test_the_docs_page_shows_the_same_table() -> None:
    cells = [line.split("|") for line in DOCS.read_text().splitlines() if line.startswith("| `")]

    shown = [(cell[1].strip().strip("`"), cell[2].strip()) for cell in cells]

    assert shown == [(row.match, row.reaction.value) for row in (*BY_TYPE, *BY_STATUS)]


def test_a_500_on_a_key_creation_is_unknown_because_the_key_may_exist() -> None:
    script = Script([failure(500, "unkey/application/service_unavailable")])

    with pytest.raises(Unknown):
        client(script).keys.create(NewKey(external_id="user_1"))

    assert len(script.requests) == 1


def test_a_read_is_never_in_doubt() -> None:
    with pytest.raises(Retry) as caught:
        client(Script([httpx.Response(502)])).keys.get("key_1")

    assert type(caught.value) is Retry


def test_a_500_on_a_repeatable_change_is_tried_a_few_times() -> None:
    script = Script([failure(500, "unkey/application/service_unavailable")])

    with pytest.raises(Retry) as caught:
        client(script, attempts=3).keys.update("key_1", KeyPatch(enabled=True))

    assert type(caught.value) is Retry
    assert len(script.requests) == 3


def test_a_refused_request_names_the_places_and_nothing_else() -> None:
    errors = [
        {"message": "must match jane@example.com", "location": "/properties/externalId/pattern"},
        {"message": "m", "location": "jane@example.com"},
    ]
    unkey = client(Script([failure(400, "unkey/application/invalid_input", errors=errors)]))

    with pytest.raises(Park) as caught:
        unkey.identities.get(external_id="user_1")

    assert "/properties/externalId/pattern" in str(caught.value)
    assert "jane" not in str(caught.value)
    assert "secret detail" not in str(caught.value)


def test_a_lost_authorization_header_stops_everybody_instead_of_parking_each_subject() -> None:
    answer = failure(400, "unkey/application/invalid_input", errors=[{"location": "security"}])

    with pytest.raises(Stop):
        client(Script([answer])).identities.get(external_id="user_1")


NOW = datetime(2026, 1, 1, tzinfo=UTC)  # where FakeClock starts


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "-5"}, 1),
        ({}, 1),
        ({"Retry-After": "soon"}, 1),
        ({"Retry-After": "soon", "RateLimit-Reset": "12"}, 12),
        ({"RateLimit-Reset": "12"}, 12),
        ({"Retry-After": "86400"}, MAX_PAUSE_S),
        ({"Retry-After": "9" * 400}, 1),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=30), usegmt=True)}, 30),
        ({"Retry-After": format_datetime(NOW - timedelta(seconds=30), usegmt=True)}, 1),
    ],
)
def test_a_429_waits_as_long_as_it_says_within_sane_bounds(headers: dict[str, str], wait_s: float) -> None:
    answer = failure(429, "user/too_many_requests/workspace_rate_limited", headers)
    gate = SpyGate()
    script = Script([answer])

    with pytest.raises(RetryAt) as caught:
        client(script, gate=gate, clock=FakeClock()).keys.create(NewKey(external_id="user_1"))

    assert caught.value.after_s == wait_s + 0.5  # the jitter
    assert gate.told == [Priority.LIVE, ("paused", wait_s + 0.5), "succeeded"]
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (failure(404, "unkey/data/key_not_found"), "succeeded"),
        (failure(400, "unkey/application/invalid_input"), Failure.OURS),
        (failure(401, "unkey/authentication/key_not_found"), Failure.AUTH),
        (failure(500, "unkey/application/unexpected_error"), Failure.SERVER),
        (httpx.ReadTimeout("slow"), Failure.SERVER),
        (httpx.ConnectError("refused"), Failure.SERVER),
        (httpx.PoolTimeout("busy"), Failure.OURS),
    ],
    ids=str,
)
def test_the_gate_learns_what_an_attempt_says_about_unkey_as_a_whole(
    answer: httpx.Response | Exception, told: object
) -> None:
    gate = SpyGate()

    with pytest.raises(SyncError):
        client(Script([answer]), gate=gate, attempts=1).keys.get("key_1")

    assert gate.told == [Priority.LIVE, told]
