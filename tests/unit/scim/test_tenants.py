"""A token names its tenant, and nothing else does."""

from __future__ import annotations

import pytest
from unkey_sync.errors import ConfigError
from unkey_sync.scim.tenants import Tenants

TENANTS = Tenants({"okta": ["old", "new"], "entra": ["other"]})


@pytest.mark.parametrize(
    ("header", "tenant"),
    [
        ("Bearer old", "okta"),
        ("bearer new", "okta"),
        ("Bearer  other ", "entra"),
        ("other", "entra"),
        ("Bearer wrong", None),
        ("Bearer ", None),
        ("", None),
        ("Basic old", None),
    ],
)
def test_the_header_finds_the_tenant_or_nobody(header: str, tenant: str | None):
    assert TENANTS.find(header) == tenant


def test_one_token_for_two_tenants_is_a_mistake_that_names_them_and_not_the_token():
    with pytest.raises(ConfigError) as caught:
        Tenants({"okta": ["same-token"], "entra": ["same-token"]})

    assert "okta" in str(caught.value)
    assert "entra" in str(caught.value)
    assert "same-token" not in str(caught.value)


def test_tokens_are_not_kept():
    assert "old" not in repr(vars(TENANTS))
