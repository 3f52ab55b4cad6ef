"""`unkey-sync mapping test`: what a payload would mean, before any sender is let in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from unkey_sync_connectors import registry

CONFIG = """\
[subjects]
owner = "user"
link = ["metadata.org_id"]

[[plans]]
name = "free"
default = true

[sources.shop]
kind = "generic"
preset = "cloudevents"

[sources.paddle]
kind = "paddle"
"""
EVENT = {
    "specversion": "1.0",
    "id": "evt-1",
    "source": "/shop",
    "type": "subscription.created",
    "time": "2026-01-01T00:00:00Z",
    "data": {
        "id": "sub_1",
        "customer": "cus_1",
        "status": "active",
        "metadata": {"org_id": "acme", "card": "secret"},
    },
}


@pytest.fixture
def shop(cli):
    """The connectors as they are installed, not the toys."""
    cli.connectors = lambda: registry
    cli.write_config(CONFIG)
    return cli


def tried(cli: Any, payload: object, *more: str, source: str = "shop") -> Any:
    file = cli.folder / "payload.json"
    file.write_text(payload if isinstance(payload, str) else json.dumps(payload))
    return cli.run("mapping", "test", "--source", source, "--file", str(file), *more)


def test_an_event_is_shown_with_what_the_link_rules_read_and_nothing_else(shop):
    ran = tried(shop, EVENT, "--json")

    (event,) = [one for one in ran.json if one["entity"] == "subscription sub_1"]
    assert (ran.code, event["op"], event["owner"]) == (0, "upsert", "customer cus_1")
    assert (event["version"], event["delivery_id"]) == (1_767_225_600_000_000, "evt-1@/shop")
    assert event["body"]["metadata"] == {"org_id": "acme"}
    assert "secret" not in ran.out


def test_people_read_lines_and_no_escape_of_a_payload_reaches_their_terminal(shop):
    ran = tried(shop, {**EVENT, "type": "user.created", "data": {"id": "u\x1b[31m"}})

    assert ran.code == 0
    assert ran.out.startswith("user.created: upsert user u\\x1b[31m\n")
    assert "2026-01-01 00:00:00Z" in ran.out
    assert "\x1b" not in ran.out


def test_native_sources_can_be_tried_too_and_other_types_mean_nothing(shop):
    noise = {"event_id": "evt_1", "event_type": "payout.paid", "occurred_at": "2026-01-01T00:00:00Z"}

    assert tried(shop, noise, source="paddle").out.startswith("payout.paid: ignore nothing\n")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({**EVENT, "data": {"id": "sub_1"}}, "error[unusable]: it would be parked: subscription."),
        ("{", "error[malformed]: it would be answered 400: not JSON"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_reason(shop, payload, reason):
    ran = tried(shop, payload)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(reason)


def test_an_unknown_source_and_a_missing_file_are_mistakes(shop):
    assert tried(shop, EVENT, source="shp").code == 2
    assert shop.run("mapping", "test", "--source", "shop", "--file", "/nowhere").code == 2
