"""verifyKey's permission query: identifiers, AND, OR, parentheses; AND binds closer. `*` is no wildcard.

Source: upstream's parser as read; of its error texts only the one for an unexpected end was observed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass

from unkey_sync.sandbox.errors import Refused, bad_request

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<word>[A-Za-z0-9._\-*:/]+)|(?P<paren>[()])|(?P<bad>.)|(?P<end>\Z))", re.DOTALL
)
Holds = Callable[[Set[str]], bool]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse_query(text: str) -> Holds:
    """A test over a set of slugs. Raises `Refused` (400) with position and reason."""
    parser = _Parser(text)
    if parser.current.kind == "end":
        raise _syntax_error("Unexpected end of input. Please provide a valid permission query.")
    holds = parser.any_of()
    if parser.current.kind != "end":
        raise _unexpected(parser.current, "The query appears to have extra content after a valid expression.")
    return holds


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self.current = next(self._tokens)

    def any_of(self) -> Holds:
        parts = [self.all_of()]
        while self.current.kind == "or":
            self._next()
            parts.append(self.all_of())
        return lambda slugs: any(part(slugs) for part in parts)

    def all_of(self) -> Holds:
        parts = [self.primary()]
        while self.current.kind == "and":
            self._next()
            parts.append(self.primary())
        return lambda slugs: all(part(slugs) for part in parts)

    def primary(self) -> Holds:
        token = self.current
        if token.kind == "slug":
            self._next()
            return lambda slugs: token.text in slugs
        if token.kind == "(":
            return self._group()
        if token.kind == "end":
            expected = "Expected a permission identifier or opening parenthesis."
            raise _syntax_error(f"Unexpected end of query. {expected}")
        if token.kind == "bad":
            raise _syntax_error("")  # upstream loses this reason on its way to the answer
        raise _unexpected(token, "Expected a permission identifier or opening parenthesis.")

    def _group(self) -> Holds:
        self._next()
        if self.current.kind == ")":
            must = "Parentheses must contain at least one permission or expression."
            raise _syntax_error(f"Empty parentheses found at position {self.current.at}. {must}")
        holds = self.any_of()
        if self.current.kind != ")":
            must = "Every opening parenthesis must have a matching closing parenthesis."
            raise _syntax_error(f"Missing closing parenthesis ')' at position {self.current.at}. {must}")
        self._next()
        return holds

    def _next(self) -> None:
        self.current = next(self._tokens)


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        kind, found = match.lastgroup, match.group(match.lastgroup or 0)
        at = match.start(kind or 0)
        if kind == "word":
            yield _Token(found.lower() if found.lower() in ("and", "or") else "slug", found, at)
        elif kind == "bad":
            yield _Token("bad", f"invalid character '{found}' at position {at} in query", at)
        else:
            yield _Token("end" if kind == "end" else found, found, at)


def _unexpected(token: _Token, why: str) -> Refused:
    return _syntax_error(f"Unexpected token '{token.text}' at position {token.at}. {why}")


def _syntax_error(detail: str) -> Refused:
    return bad_request(detail, "user/bad_request/permissions_query_syntax_error")
