"""Replies and refusals as Unkey writes them: envelope, request id, content type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync.sandbox.errors import DOCS, Finding, Problem
from unkey_sync.sandbox.http import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.sandbox.call import Reply

_PROBLEM_TYPES = ("application/problem+json", "application/*", "*/*")


def success(reply: Reply, request_id: str, headers: Mapping[str, str]) -> Answer:
    body: dict[str, Any] = {"meta": {"requestId": request_id}}
    if not reply.bare:
        body["data"] = reply.data
    if reply.pagination is not None:
        body["pagination"] = reply.pagination
    return Answer(200, "application/json", orjson.dumps(body), headers)


def refusal(problem: Problem, request_id: str, accept: str, headers: Mapping[str, str]) -> Answer:
    """`errors` is there on every 400, and only there."""
    error: dict[str, Any] = {
        "title": problem.title,
        "detail": problem.detail,
        "status": problem.status,
        "type": DOCS + problem.type,
    }
    if problem.status == 400:
        error["errors"] = [_finding(finding) for finding in problem.findings]
    body = orjson.dumps({"meta": {"requestId": request_id}, "error": error})
    return Answer(problem.status, _content_type(problem, accept), body, {**headers, **problem.headers})


def _content_type(problem: Problem, accept: str) -> str:
    wanted = not problem.always_json and any(known in accept for known in _PROBLEM_TYPES)
    return "application/problem+json" if wanted else "application/json"


def _finding(finding: Finding) -> dict[str, str]:
    fix = {"fix": finding.fix} if finding.fix is not None else {}
    return {"location": finding.location, "message": finding.message, **fix}
