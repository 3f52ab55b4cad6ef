"""The handshake of CloudEvents' web hooks: a sender asks, by OPTIONS, whether its events are wanted here.

Consent is given by configuration only; there is no callback and no rate of ours that is enforced. Source:
HTTP 1.1 Web Hooks for Event Delivery 1.0.2, section 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync_connectors.generic.options import Options

ANYBODY = "*"
_HOST = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Consent:
    """Whose events are wanted, and how many a minute."""

    origins: frozenset[str] = frozenset()
    rate: str = ANYBODY

    def answer(self, headers: Mapping[str, str]) -> Answer | None:
        """None: these headers ask for nothing that was allowed."""
        origin = headers.get("webhook-request-origin", "")
        if not origin or not {origin.lower(), ANYBODY} & self.origins or origin == ANYBODY:
            return None
        allowed = ANYBODY if ANYBODY in self.origins else origin
        granted = {"webhook-allowed-origin": allowed, "webhook-allowed-rate": self.rate}
        return Answer(body=b"", headers={"allow": "POST", **granted})


def compile_consent(options: Options, *, cloudevents: bool) -> Consent:
    """Compile the `allowed_…` keys of the `envelope` table. Raises ConfigProblem."""
    origins = [origin.lower() for origin in options.texts("allowed_origins")]
    if origins and not cloudevents:
        raise options.problem('is for format = "cloudevents"', "allowed_origins")
    if not all(origin == ANYBODY or _HOST.fullmatch(origin) for origin in origins):
        raise options.problem('must be host names such as "eventgrid.azure.net", or "*"', "allowed_origins")
    return Consent(frozenset(origins), _rate(options, asked=bool(origins)))


def _rate(options: Options, *, asked: bool) -> str:
    rate = options.data.get("allowed_rate")
    if rate is None:
        return ANYBODY
    if not asked:
        raise options.problem("says nothing without allowed_origins", "allowed_rate")
    if not isinstance(rate, int) or isinstance(rate, bool) or rate < 1:
        raise options.problem("must be a positive whole number, requests a minute", "allowed_rate")
    return str(rate)
