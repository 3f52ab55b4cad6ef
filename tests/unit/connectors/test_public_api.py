"""What third-party connectors may rely on. A change here is a change of the contract."""

from __future__ import annotations

import subprocess
import sys

import unkey_sync_connectors

PUBLIC = {
    "AUTH_KINDS",
    "ORDER_STATUSES",
    "SUBSCRIPTION_STATUSES",
    "Answer",
    "Api",
    "ApiReply",
    "ApiSpec",
    "ApiStream",
    "CheckoutBody",
    "ConfigProblem",
    "Connector",
    "CustomerBody",
    "Delivery",
    "DirectoryBody",
    "EntitlementsBody",
    "Entity",
    "Event",
    "EventOp",
    "Gone",
    "Kind",
    "Malformed",
    "MembershipBody",
    "OrderBody",
    "OrganizationBody",
    "Page",
    "Rejected",
    "SourceConfig",
    "SubscriptionBody",
    "SubscriptionItem",
    "Unusable",
    "UserBody",
}


def test_the_public_names_are_frozen():
    assert set(unkey_sync_connectors.__all__) == PUBLIC
    assert len(unkey_sync_connectors.__all__) == len(PUBLIC)


def test_every_public_name_exists():
    for name in unkey_sync_connectors.__all__:
        assert getattr(unkey_sync_connectors, name) is not None


def test_importing_the_vocabulary_imports_no_connector_and_no_json():
    script = (
        "import sys, unkey_sync_connectors; "
        "print([name for name in sys.modules if name == 'orjson' or name.startswith('unkey_sync_connectors.')])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "['unkey_sync_connectors.base', 'unkey_sync_connectors.event']"
