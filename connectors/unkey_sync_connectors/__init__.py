"""Connectors: bytes in, events out.

What is listed here is the public vocabulary, also for third parties. `registry` finds connectors by kind;
`signing`, `payload` and `timestamps` are there to build them with. Importing this imports no connector.
"""

from unkey_sync_connectors.base import (
    Answer,
    Api,
    ApiReply,
    ApiSpec,
    ApiStream,
    ConfigProblem,
    Connector,
    Delivery,
    Gone,
    Malformed,
    Page,
    Rejected,
    SourceConfig,
    Unusable,
)
from unkey_sync_connectors.event import (
    AUTH_KINDS,
    SUBSCRIPTION_STATUSES,
    CheckoutBody,
    CustomerBody,
    EntitlementsBody,
    Entity,
    Event,
    EventOp,
    Kind,
    MembershipBody,
    OrganizationBody,
    SubscriptionBody,
    SubscriptionItem,
    UserBody,
)

__all__ = [
    "AUTH_KINDS",
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
