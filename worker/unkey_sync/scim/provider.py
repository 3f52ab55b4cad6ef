"""What we announce as a SCIM service provider, and how far clients may depart from the RFCs.

The tolerances are those that Entra ID and Okta need (Microsoft's and Okta's SCIM documentation).
"""

from __future__ import annotations

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    EnterpriseUser,
    ETag,
    Filter,
    Group,
    Patch,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    User,
)

from unkey_sync.scim.bulk import OPERATIONS_LIMIT

PAGE_LIMIT = 200
"""Most resources in one page."""


def create_provider(payload_limit: int) -> ScimProvider:
    """Users with the enterprise extension, and groups."""
    return ScimProvider(
        models=(User, EnterpriseUser, Group),
        resource_types=(
            ResourceType.from_resource(User[EnterpriseUser]),
            ResourceType.from_resource(Group),
        ),
        config=_config(payload_limit),
        policy=ScimPolicy(
            unknown=ScimPolicy.Unknown.ignore,
            remove_value_as_filter=ScimPolicy.RemoveValue.apply,
            unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
        ),
    )


def _config(payload_limit: int) -> ServiceProviderConfig:
    bearer = AuthenticationScheme(
        type=AuthenticationScheme.Type.oauthbearertoken,
        name="Bearer token",
        description="The tenant's token in the Authorization header.",
    )
    return ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=True, max_operations=OPERATIONS_LIMIT, max_payload_size=payload_limit),
        filter=Filter(supported=True, max_results=PAGE_LIMIT),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        authentication_schemes=[bearer],
    )
