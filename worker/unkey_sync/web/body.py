"""Reading a request body: media type, size cap while it streams, senders that leave.

Slow senders are cut in protocol.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.web.reply import TOO_LARGE, UNSUPPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.web.reply import Receive, Reply, Scope

BODY_LIMIT = 1024 * 1024
"""Bytes. Standard Webhooks advises 20 kB; batches and SCIM bulk are larger."""


class Refused(Exception):  # noqa: N818  -- named after the reaction
    """The request is refused before anything looks at its content."""

    def __init__(self, answer: Reply) -> None:
        super().__init__(f"refused with {answer.status}")
        self.answer = answer


class Left(Exception):  # noqa: N818
    """The client has gone; nobody reads an answer."""


def read_headers(scope: Scope) -> dict[str, str]:
    """Header fields by lower-case name. A repeated field is joined with commas (RFC 9110, section 5.2)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """The whole body, at most `limit` bytes. Raises `Refused` (415, 413) or `Left`."""
    if not _is_plain_json(headers):
        raise Refused(UNSUPPORTED)
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise Refused(TOO_LARGE)
    return await _stream(receive, limit)


async def _stream(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Left
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise Refused(TOO_LARGE)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _is_plain_json(headers: Mapping[str, str]) -> bool:
    """A missing content type is accepted: the signature and the parser decide.

    Compression never is (zip bombs).
    """
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        return False
    media_type = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    return media_type in ("application/json", "text/json", "application/jwt") or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
