"""The checks before authentication: Authorization header, content type, JSON, schema. Pure.

Source: upstream's OpenAPI validator. Its findings are always answered as application/json and cost no rate
limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync.sandbox.errors import Finding, schema_violation
from unkey_sync.sandbox.schema.requests import CHECKS
from unkey_sync.sandbox.schema.shapes import Report

if TYPE_CHECKING:
    from unkey_sync.sandbox.http import Request

_FIX_BODY = "Ensure that the object being submitted, matches the schema correctly"
_FIX_HEADER = "Add an 'Authorization' header to this request"
_FIX_TYPE = (
    "The content type is invalid, Use one of the 1 supported types for this operation: application/json"
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """`unbindable`: valid, but a number does not fit the server's integers;
    found out after authentication.
    """

    body: Any
    unbindable: bool


def accept(request: Request, operation: str) -> Accepted:
    """The body, if it is acceptable. Raises `Refused` (400)."""
    if not request.headers.get("authorization"):
        finding = Finding("security", "Authorization header was not found", _FIX_HEADER)
        raise schema_violation("Authorization header for 'bearer' scheme", [finding])
    _require_json(request.headers.get("content-type", ""))
    body = _decoded(request)
    report = Report()
    CHECKS[operation](body, report)
    if report.findings:
        raise schema_violation(_failed(request), report.findings)
    return Accepted(body, report.unbindable)


def _require_json(content_type: str) -> None:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        message = f"The content type '{content_type}' of the POST request submitted has not been defined"
        detail = f"POST operation request content type '{content_type}' does not exist"
        raise schema_violation(detail, [Finding("requestBody", message, _FIX_TYPE)])


def _decoded(request: Request) -> Any:
    if not request.body:
        message = "The request body is empty but there is a schema defined"
        detail = f"POST request body is empty for '{request.path}'"
        raise schema_violation(detail, [Finding("requestBody", message, _FIX_BODY)])
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as problem:
        message = f"The request body cannot be decoded: {problem.msg}"
        raise schema_violation(_failed(request), [Finding("requestBody", message, _FIX_BODY)]) from None


def _failed(request: Request) -> str:
    return f"POST request body for '{request.path}' failed to validate schema"
