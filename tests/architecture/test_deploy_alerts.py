"""The alert rules: every metric, label and value they name exists, and the operations page says what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from unkey_sync.telemetry.ledger_gauges import GAUGES, LedgerGauges
from unkey_sync.telemetry.metrics import EngineMetrics, ReceiverMetrics, UpstreamMetrics

from tests.architecture.tree import read

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load(read("deploy/prometheus/alerts.yaml"))["groups"]
    for rule in group["rules"]
]
NAMES = [rule["alert"] for rule in RULES]
SELECTOR = re.compile(r"\b(unkey_sync_\w+|up)\b(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\bby \(([\w, ]+)\)")
SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_created")


def exposed() -> dict[str, set[str]]:
    """Metric name -> label names, of everything a process can expose."""
    registry = CollectorRegistry()
    groups = (ReceiverMetrics(registry), EngineMetrics(registry), UpstreamMetrics(registry))
    found = {
        metric._name: set(metric._labelnames)
        for group in groups
        for metric in vars(group).values()
        if hasattr(metric, "_labelnames")
    }
    gauges = {f"unkey_sync_{name}": {label} for name, (_, label) in GAUGES.items()}
    families = LedgerGauges(dict).collect()
    return found | gauges | {next(families).name: set(), "up": {"job", "instance"}}


def base_name(metric: str) -> str:
    return next((metric.removesuffix(suffix) for suffix in SUFFIXES if metric.endswith(suffix)), metric)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_names_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    known = exposed()
    used = SELECTOR.findall(rule["expr"])
    metrics = {base_name(metric) for metric, _ in used}
    labels = set(re.findall(r"(\w+)\s*[=!]", " ".join(selector for _, selector in used)))
    grouped = {label for found in GROUPED.findall(rule["expr"]) for label in found.split(", ")}

    assert metrics
    assert metrics - set(known) == set()
    assert labels | grouped <= {"le"}.union(*(known[metric] for metric in metrics))


def test_outcomes_in_alerts_are_outcomes_that_are_counted() -> None:
    used = {outcome for rule in RULES for outcome in re.findall(r'outcome="(\w+)"', rule["expr"])}

    assert used
    assert used <= set(ReceiverMetrics.OUTCOMES)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_says_whom_to_call_and_what_is_wrong(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    assert re.fullmatch(r"\d+m", rule["for"])


@pytest.mark.parametrize("name", NAMES)
def test_the_operations_page_says_what_to_do_about_an_alert(name: str) -> None:
    assert f"`{name}`" in read("docs/operations.md")
