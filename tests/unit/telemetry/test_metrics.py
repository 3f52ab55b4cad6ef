"""Metrics: names that dashboards rely on, and a page that answers while the database is down."""

from __future__ import annotations

import threading

import pytest
from unkey_sync.errors import Retry
from unkey_sync.telemetry.ledger_gauges import LedgerGauges
from unkey_sync.telemetry.metrics import Metrics


def test_every_metric_has_our_prefix_and_its_unit():
    metrics = Metrics("1", "serve")

    names = {family.name for family in metrics.registry.collect()}

    assert names == {
        "unkey_sync_build_info",
        "unkey_sync_events_received",
        "unkey_sync_ack_duration_seconds",
        "unkey_sync_events_finished",
        "unkey_sync_sync_lag_seconds",
        "unkey_sync_source_paused",
        "unkey_sync_defects",
        "unkey_sync_upstream_requests",
        "unkey_sync_upstream_request_duration_seconds",
        "unkey_sync_upstream_unknown_outcomes",
        "unkey_sync_upstream_throttled_seconds",
        "unkey_sync_circuit_open",
    }


def test_a_call_without_an_answer_counts_as_an_unknown_outcome():
    metrics = Metrics("1", "worker")

    metrics.upstream.called("keys.createKey", None, 0.1)
    metrics.upstream.unknown("keys.createKey")
    metrics.upstream.called("keys.createKey", 201, 0.1)

    value = metrics.registry.get_sample_value
    assert value("unkey_sync_upstream_unknown_outcomes_total", {"operation": "keys.createKey"}) == 1
    labels = {"operation": "keys.createKey", "code_class": "2xx"}
    assert value("unkey_sync_upstream_requests_total", labels) == 1


def test_the_engine_counts_lag_and_outcomes_and_pauses():
    metrics = Metrics("1", "worker")

    metrics.engine.finished("clerk", "applied", 3)
    metrics.engine.lag("clerk", -5)
    metrics.engine.source_paused("clerk", True)
    metrics.upstream.throttled("keys.createKey", 1.5)
    metrics.upstream.follow_circuit(lambda: True)

    value = metrics.registry.get_sample_value
    assert value("unkey_sync_events_finished_total", {"source": "clerk", "outcome": "applied"}) == 3
    assert value("unkey_sync_sync_lag_seconds_sum", {"source": "clerk"}) == 0
    assert value("unkey_sync_source_paused", {"source": "clerk"}) == 1
    assert value("unkey_sync_upstream_throttled_seconds_total", {"operation": "keys.createKey"}) == 1.5
    assert value("unkey_sync_circuit_open", {"upstream": "unkey"}) == 1


def test_gauges_come_from_the_ledger():
    metrics = Metrics("1", "serve")
    metrics.register(LedgerGauges(lambda: {"backlog_events": {"pending": 7}}))

    text = metrics.render()[0].decode()

    assert 'unkey_sync_backlog_events{state="pending"} 7.0' in text
    assert "unkey_sync_ledger_up 1.0" in text


def test_a_ledger_that_is_away_leaves_the_last_gauges_and_says_so():
    answers = iter([{"backlog_events": {"pending": 7.0}}, None])

    def read():
        answer = next(answers)
        if answer is None:
            raise Retry("down")
        return answer

    metrics = Metrics("1", "serve")
    metrics.register(LedgerGauges(read))
    metrics.render()

    text = metrics.render()[0].decode()

    assert 'unkey_sync_backlog_events{state="pending"} 7.0' in text
    assert "unkey_sync_ledger_up 0.0" in text


@pytest.mark.parametrize("scrapes", [3])
def test_a_ledger_that_hangs_is_asked_once_and_not_waited_for(scrapes):
    gate, asked = threading.Event(), []

    def read():
        asked.append(1)
        gate.wait(10)
        return {}

    metrics = Metrics("1", "serve")
    metrics.register(LedgerGauges(read, patience_s=0.01))

    texts = [metrics.render()[0].decode() for _ in range(scrapes)]
    gate.set()

    assert len(asked) == 1
    assert all("unkey_sync_ledger_up 0.0" in text for text in texts)
