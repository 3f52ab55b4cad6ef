"""The public connector API: what third parties build on changes here on purpose, or not at all."""

from __future__ import annotations

import unkey_sync_connectors

PUBLIC = [
    "AUTH_KINDS",
    "SUBSCRIPTION_STATUSES",
    "Answer",
    "Api",
    "ApiReply",
    "ApiSpec",
    "CheckoutBody",
    "ConfigProblem",
    "Connector",
    "CustomerBody",
    "Delivery",
    "EntitlementsBody",
    "Entity",
    "Event",
    "EventOp",
    "Gone",
    "Kind",
    "Malformed",
    "MembershipBody",
    "OrganizationBody",
    "Page",
    "Rejected",
    "SourceConfig",
    "SubscriptionBody",
    "SubscriptionItem",
    "Unusable",
    "UserBody",
]


def test_the_connector_api_is_exactly_what_it_was() -> None:
    assert sorted(unkey_sync_connectors.__all__) == sorted(PUBLIC)


def test_every_exported_name_exists() -> None:
    missing = [name for name in PUBLIC if not hasattr(unkey_sync_connectors, name)]

    assert missing == []
