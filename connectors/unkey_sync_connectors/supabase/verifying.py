"""Proof that Supabase sent a delivery: a signature (auth hook) or a secret header (database webhook).

The form of each configured secret says which of the two it is for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors.credentials import AUTHORIZATION, HeaderSecrets
from unkey_sync_connectors.signing import STANDARD_WEBHOOKS, Verifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unkey_sync_connectors.base import Delivery, SourceConfig

_HOOK = "whsec_"
_VERSION = "v1"


class SupabaseVerifier:
    """`v1,whsec_…` verifies auth hooks, anything else database webhooks. Raises ConfigProblem."""

    def __init__(self, config: SourceConfig) -> None:
        hooks, statics = split(config.secrets)
        self._hook = Verifier(scheme=STANDARD_WEBHOOKS, secrets=hooks, tolerance_s=config.tolerance_s)
        self._static = HeaderSecrets(secrets=statics, headers=(AUTHORIZATION, "x-webhook-secret"))

    def verify(self, delivery: Delivery, now: int) -> None:
        """Raises Rejected."""
        if self._hook.secrets and (delivery.headers.get("webhook-signature") or not self._static.secrets):
            self._hook.verify(delivery, now)
        else:
            self._static.verify(delivery)

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        """Headers that `verify` accepts: signed where a hook's secret is configured. Raises ConfigProblem."""
        return self._hook.sign(body, now) if self._hook.secrets else self._static.sign()


def split(secrets: Sequence[str]) -> tuple[list[str], list[str]]:
    """The secrets of auth hooks, and all others.

    Supabase shows a hook's secret as `v1,whsec_…` and joins several by `|`. The comma may have been taken for
    the separator of a list already, so that a lone `v1` comes before its secret.
    """
    hooks = [part for secret in secrets if _HOOK in secret for part in secret.replace("|", ",").split(",")]
    statics = [secret for secret in secrets if _HOOK not in secret and secret.strip() != _VERSION]
    return [part for part in hooks if part.strip() != _VERSION], statics
