"""Connectors are found by kind, one at a time, ours and other people's."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
from unkey_sync_connectors import registry
from unkey_sync_connectors.base import ConfigProblem, SourceConfig
from unkey_sync_connectors.clerk import Clerk
from unkey_sync_connectors.stripe import Stripe


def test_the_built_in_kinds_are_known():
    assert {"clerk", "stripe"} <= set(registry.known_kinds())
    assert list(registry.known_kinds()) == sorted(registry.known_kinds())


def test_a_kind_is_loaded_and_built():
    connector = registry.create(SourceConfig(name="stripe-eu", kind="stripe"))

    assert isinstance(connector, Stripe)
    assert connector.config.name == "stripe-eu"
    assert registry.load_connector("clerk") is Clerk


def test_every_built_in_connector_is_filed_under_its_own_kind():
    for kind in registry.known_kinds():
        assert registry.load_connector(kind).kind == kind


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(ConfigProblem, match="unknown source kind 'strpe'; did you mean 'stripe'"):
        registry.load_connector("strpe")


def test_a_kind_unlike_any_other_names_all():
    with pytest.raises(ConfigProblem, match=r"known: .*clerk.*stripe"):
        registry.create(SourceConfig(name="x", kind="qqqq"))


def test_a_third_partys_connector_is_found_like_ours():
    theirs = EntryPoint("acme", "unkey_sync_connectors.clerk:Clerk", registry.GROUP)

    assert registry.select("acme", [theirs]) is theirs


def test_two_packages_for_one_kind_are_a_problem_and_one_listed_twice_is_not():
    ours = EntryPoint("clerk", "unkey_sync_connectors.clerk:Clerk", registry.GROUP)
    theirs = EntryPoint("clerk", "their.clerk:Clerk", registry.GROUP)

    assert registry.select("clerk", [ours, ours]) == ours
    with pytest.raises(ConfigProblem, match=r"provided twice: their\.clerk:Clerk, unkey_sync"):
        registry.select("clerk", [ours, theirs])


def test_a_connector_says_whether_it_knows_who_exists():
    assert registry.create(SourceConfig(name="clerk", kind="clerk")).auth
    assert not registry.create(SourceConfig(name="stripe", kind="stripe")).auth


@pytest.mark.parametrize(("kind", "other"), [("clerk", "stripe"), ("stripe", "clerk")])
def test_loading_one_connector_imports_no_other(kind: str, other: str):
    script = (
        "import sys; from unkey_sync_connectors import registry; "
        f"registry.load_connector({kind!r}); "
        f"print(any('connectors.{other}' in name or name == {other!r} for name in sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
