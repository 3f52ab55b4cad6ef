"""The refusals that Unkey answers with, as values: status, title, type, detail. No HTTP here.

Source: Unkey v2 errors as observed; clients dispatch on the type suffix.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DOCS = "https://unkey.com/docs/errors/"


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry of a 400's `errors`."""

    location: str
    message: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """An error answer. `always_json`: the content type ignores Accept (schema errors, panics)."""

    status: int
    title: str
    type: str
    detail: str
    findings: Sequence[Finding] = ()
    always_json: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818
    """A request ends with this error answer, and its transaction is rolled back."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.type)
        self.problem = problem


def bad_request(detail: str, kind: str = "unkey/application/invalid_input") -> Refused:
    return Refused(Problem(400, "Bad Request", kind, detail))


def schema_violation(detail: str, findings: Sequence[Finding]) -> Refused:
    return Refused(
        Problem(400, "Bad Request", "unkey/application/invalid_input", detail, findings, always_json=True)
    )


def unauthorized(detail: str) -> Refused:
    return Refused(Problem(401, "Unauthorized", "unkey/authentication/key_not_found", detail))


def forbidden(title: str, kind: str, detail: str) -> Refused:
    return Refused(Problem(403, title, f"unkey/authorization/{kind}", detail))


def not_found(what: str, detail: str) -> Refused:
    return Refused(Problem(404, "Not Found", f"unkey/data/{what}_not_found", detail))


def conflict(what: str, detail: str) -> Refused:
    return Refused(Problem(409, "Conflicting Resource", f"unkey/data/{what}_already_exists", detail))


def precondition_failed(detail: str) -> Refused:
    return Refused(Problem(412, "Precondition Failed", "unkey/application/precondition_failed", detail))


def protected(detail: str) -> Refused:
    return Refused(Problem(412, "Resource is protected", "unkey/application/protected_resource", detail))


def too_many_requests(detail: str, headers: Mapping[str, str]) -> Refused:
    kind = "user/too_many_requests/workspace_rate_limited"
    return Refused(Problem(429, "Too Many Requests", kind, detail, headers=headers))


def database_failure(detail: str) -> Refused:
    """What every failed statement turns into upstream, also when the caller is at fault."""
    return Refused(Problem(500, "Internal Server Error", "unkey/application/service_unavailable", detail))


def unexpected(detail: str, *, always_json: bool = False) -> Refused:
    kind = "unkey/application/unexpected_error"
    return Refused(Problem(500, "Internal Server Error", kind, detail, always_json=always_json))
