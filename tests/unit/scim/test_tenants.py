"""A token names its tenant, and nothing else does."""

from __future__ import annotations

import base64
import hmac

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
        (f"Basic {base64.b64encode(b'anybody:old').decode()}", "okta"),
        (f"basic {base64.b64encode(b':other').decode()}", "entra"),
        (f"Basic {base64.b64encode(b'old:').decode()}", None),
        (f"Basic {base64.b64encode(b'old').decode()}", None),
        ("Basic old", None),
        ("Basic /w==", None),
        ("Basic", None),
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


def test_an_empty_token_opens_nothing():
    tenants = Tenants({"okta": ["", "real"]})

    assert tenants.find("") is None
    assert tenants.find("Bearer ") is None
    assert tenants.find("Bearer real") == "okta"


def test_every_token_is_compared_whichever_fits(monkeypatch: pytest.MonkeyPatch):
    """With a constant-time comparison each, so the time tells neither a prefix nor a place in the list."""
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return compare(one, other)

    monkeypatch.setattr("unkey_sync.scim.tenants.hmac.compare_digest", counting)
    found = [TENANTS.find(f"Bearer {token}") for token in ("old", "new", "other", "wrong")]

    assert found == ["okta", "okta", "entra", None]
    assert len(compared) == 4 * 3
