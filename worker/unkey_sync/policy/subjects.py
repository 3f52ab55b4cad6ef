"""[subjects]: who owns an identity, and how a billing customer names its owner."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from unkey_sync.policy.shape import Many, Section

_METADATA_RULE = re.compile(r"metadata\.([A-Za-z0-9_.:-]{1,100})")

_PLAIN_RULES = ("client_reference_id", "external_ref", "id")


def _check_link(rule: str) -> str:
    if rule not in _PLAIN_RULES and not _METADATA_RULE.fullmatch(rule):
        raise ValueError(f"must be `metadata.<key>`, {', '.join(f'`{name}`' for name in _PLAIN_RULES)}")
    return rule


LinkRule = Annotated[str, AfterValidator(_check_link)]


class Subjects(Section):
    owner: Literal["user", "organization", "both"] = "both"
    """Who owns an Unkey identity. Nothing is made in Unkey for the other kind."""
    link: Annotated[Many[LinkRule], Field(max_length=50)] = (
        "metadata.org_id",
        "metadata.user_id",
        "client_reference_id",
        "external_ref",
    )
    """How a billing customer names its subject, best rule first: `metadata.<key>`, `client_reference_id` (of
    a checkout), `external_ref` (our id, where the vendor keeps one), `id` (the customer's own id)."""

    @property
    def metadata_keys(self) -> frozenset[str]:
        """The metadata keys that link rules read; connectors drop all others at the door."""
        matches = (_METADATA_RULE.fullmatch(rule) for rule in self.link)
        return frozenset(match[1] for match in matches if match)
