"""Finding resources: by an indexed hash where a filter compares a name, an address or an id, else one by one.

What a filter means is scim2-models' business; the index only narrows down whom it is asked about.
"""

from __future__ import annotations

from heapq import merge
from itertools import groupby
from typing import TYPE_CHECKING, Any

from scim2_models import NotImplementedException
from scim2_models.path import CompareOperator, Comparison, LogicalExpr, LogicalOperator, ValuePath
from scim2_server.storage import SearchPage

from unkey_sync.ledger.scim_rows import GROUP, USER
from unkey_sync.scim.provider import PAGE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scim2_models import ResourceType, ResponseParameters, SearchRequest

    from unkey_sync.ledger.scim_rows import ResourceRow
    from unkey_sync.scim.storage import TenantStorage

_REFRESH = 1_000
"""Most users whose addresses one look-up enters into the index, of those an older version has stored."""
_EMAILS = ("emails", "emails.value")
_MEMBERS = ("members", "members.value")


def search_rows(
    storage: TenantStorage, resource_types: list[ResourceType], search_request: SearchRequest[Any]
) -> SearchPage:
    """One page. Raises NotImplementedException for several resource types at once."""
    if len(resource_types) != 1:
        raise NotImplementedException(detail="Search /Users or /Groups")
    kind = str(resource_types[0].name)
    start = search_request.start_index_0 or 0
    count = PAGE_LIMIT if search_request.count is None else search_request.count
    read = storage.read if shows_members(search_request) else storage.opened
    if search_request.filter is None:
        rows = storage.tx.scim.page(storage.source, kind, start, count)
        return SearchPage(storage.tx.scim.count(storage.source, kind), [read(row) for row in rows])
    return _filtered(storage, kind, search_request, slice(start, start + count))


def shows_members(asked: ResponseParameters[Any] | None) -> bool:
    """Whether an answer with these parameters has members of a group in it."""
    if asked is None:
        return True
    if asked.attributes:
        return any("members" in str(one).lower() for one in asked.attributes)
    return not any(
        str(one).rpartition(":")[2].lower() == "members" for one in asked.excluded_attributes or ()
    )


def _filtered(storage: TenantStorage, kind: str, asked: SearchRequest[Any], page: slice) -> SearchPage:
    wanted: Any = asked.filter
    # A user has no members to read, so only groups make a difference.
    whole = shows_members(asked) or "members" in str(wanted).lower()
    read = storage.read if whole else storage.opened
    total, found = 0, []
    for row in _candidates(storage, kind, wanted.ast):
        resource = read(row)
        if not wanted.match(resource):
            continue
        if page.start <= total < page.stop:
            found.append(resource)
        total += 1
    return SearchPage(total, found)


def _candidates(storage: TenantStorage, kind: str, node: object) -> Iterable[ResourceRow]:
    """In the order of their ids."""
    rows = _look_up(storage, kind, node)
    return storage.tx.scim.walk(storage.source, kind) if rows is None else rows


def _look_up(storage: TenantStorage, kind: str, node: object) -> Iterable[ResourceRow] | None:
    """Everything that may match, by an index; None when only looking at each will do."""
    if isinstance(node, LogicalExpr):
        found = (_look_up(storage, kind, term) for term in node.terms)
        if node.op == LogicalOperator.and_:
            return next((rows for rows in found if rows is not None), None)
        every = list(found)
        return None if None in every else _once(*(rows for rows in every if rows is not None))
    if isinstance(node, ValuePath):
        value = _value_in(node.val_filter)
        return None if value is None else _compare(storage, kind, f"{node.attr_path}.value", value)
    if isinstance(node, Comparison) and _is_equality(node):
        return _compare(storage, kind, str(node.attr_path), node.value)
    return None


def _compare(storage: TenantStorage, kind: str, path: str, value: str) -> Iterable[ResourceRow] | None:
    rows, source, attribute = storage.tx.scim, storage.source, path.rpartition(":")[2].lower()
    if attribute == "id":
        row = rows.get(source, kind, value)
        return [row] if row is not None else []
    if attribute == "externalid":
        return rows.find(source, kind, external=storage.vault.hash_external(source, kind, value))
    if attribute == {USER: "username", GROUP: "displayname"}[kind]:
        return rows.find(source, kind, name=storage.vault.hash_name(source, kind, value))
    if kind == USER and attribute in _EMAILS:
        return _by_email(storage, value)
    if kind == GROUP and attribute in _MEMBERS:
        return rows.find_by_member(source, value)
    return None


def _value_in(node: object) -> str | None:
    """The `value` that a selection such as `emails[type eq "work" and value eq "a@b"]` asks for."""
    if isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_:
        return next((value for term in node.terms if (value := _value_in(term)) is not None), None)
    if isinstance(node, Comparison) and _is_equality(node) and str(node.attr_path).lower() == "value":
        return str(node.value)
    return None


def _is_equality(node: Comparison) -> bool:
    return node.op == CompareOperator.eq and isinstance(node.value, str)


def _by_email(storage: TenantStorage, address: str) -> Iterable[ResourceRow]:
    rows, source = storage.tx.scim, storage.source
    _refresh(storage)
    found = rows.find_by_email(source, storage.vault.hash_email(source, address))
    return _once(found, _stale(storage))


def _refresh(storage: TenantStorage) -> None:
    """Enter into the index what older code has stored, some at a time."""
    rows, source = storage.tx.scim, storage.source
    if not rows.stale(source, 1):
        return
    rows.lock(source)
    stale = rows.stale(source, _REFRESH)
    hashes = {row.id: storage.vault.hashes_of_emails(source, storage.opened(row)) for row in stale}
    rows.index_emails(hashes, stale)


def _stale(storage: TenantStorage) -> Iterator[ResourceRow]:
    """What is not in the index even now."""
    after = ""
    while rows := storage.tx.scim.stale(storage.source, _REFRESH, after):
        yield from rows
        after = rows[-1].id


def _once(*sorted_rows: Iterable[ResourceRow]) -> Iterator[ResourceRow]:
    """All of them by id, each once."""
    merged = merge(*sorted_rows, key=lambda row: row.id)
    return (next(same) for _, same in groupby(merged, key=lambda row: row.id))
