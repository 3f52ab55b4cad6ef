"""The CloudEvents handshake: who may send is said by configuration, and nobody else learns that there is a source."""

from __future__ import annotations

from typing import Any

import pytest
from unkey_sync_connectors.base import Delivery

from tests.unit.connectors.generic.support import generic, problem

GRID = "eventgrid.azure.net"


def asked(origin: str | None, **envelope: Any) -> dict[str, str] | None:
    """The headers of the answer to a question from this origin; None when there is no consent."""
    source = generic({"preset": "cloudevents", "envelope": envelope})
    headers = {} if origin is None else {"webhook-request-origin": origin, "webhook-request-rate": "120"}
    answer = source.permission(Delivery(b"", headers))
    return None if answer is None else dict(answer.headers)


def test_a_configured_origin_may_send_as_much_as_it_likes():
    assert asked(GRID, allowed_origins=[GRID]) == {
        "allow": "POST",
        "webhook-allowed-origin": GRID,
        "webhook-allowed-rate": "*",
    }


def test_a_rate_can_be_asked_for():
    headers = asked(GRID, allowed_origins=[GRID], allowed_rate=6_000)

    assert headers is not None
    assert headers["webhook-allowed-rate"] == "6000"


def test_names_of_hosts_have_no_case_and_the_answer_repeats_the_question():
    headers = asked("EventGrid.Azure.NET", allowed_origins=["other.example.com", GRID.upper()])

    assert headers is not None
    assert headers["webhook-allowed-origin"] == "EventGrid.Azure.NET"


def test_everybody_can_be_allowed():
    headers = asked("anybody.example.com", allowed_origins=["*"])

    assert headers is not None
    assert headers["webhook-allowed-origin"] == "*"


@pytest.mark.parametrize(
    ("origin", "envelope"),
    [
        (GRID, {}),
        (GRID, {"allowed_origins": []}),
        (None, {"allowed_origins": ["*"]}),
        ("", {"allowed_origins": ["*"]}),
        (f"not-{GRID}", {"allowed_origins": [GRID]}),
        (f"{GRID}.example.com", {"allowed_origins": [GRID]}),
        ("*", {"allowed_origins": [GRID]}),
    ],
)
def test_nobody_else_is_given_consent(origin: str | None, envelope: dict[str, Any]):
    assert asked(origin, **envelope) is None


def test_a_source_that_does_not_take_cloudevents_gives_none():
    source = generic({})

    assert not source.takes_cloudevents
    assert source.permission(Delivery(b"", {"webhook-request-origin": GRID})) is None


@pytest.mark.parametrize(
    ("envelope", "path", "message"),
    [
        ({"allowed_origins": [GRID]}, "allowed_origins", 'is for format = "cloudevents"'),
        ({"format": "cloudevents", "allowed_origins": ["https://x"]}, "allowed_origins", "host names"),
        ({"format": "cloudevents", "allowed_origins": [7]}, "allowed_origins", "must be a list of texts"),
        ({"format": "cloudevents", "allowed_rate": 5}, "allowed_rate", "allowed_origins"),
        ({"format": "cloudevents", "allowed_origins": ["*"], "allowed_rate": 0}, "allowed_rate", "positive"),
        (
            {"format": "cloudevents", "allowed_origins": ["*"], "allowed_rate": True},
            "allowed_rate",
            "positive",
        ),
    ],
)
def test_a_mistake_is_told_at_start_up(envelope: dict[str, Any], path: str, message: str):
    found, said = problem({"envelope": envelope})

    assert found == ("envelope", path)
    assert message in said
