"""Finding resources: by an indexed hash where a filter compares a name or an id, else by looking at every one.

What a filter means is scim2-models' business; the index only narrows down whom it is asked about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scim2_models import NotImplementedException
from scim2_models.path import CompareOperator, Comparison
from scim2_server.storage import SearchPage

from unkey_sync.scim.provider import PAGE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scim2_models import ResourceType, SearchRequest

    from unkey_sync.ledger.scim_rows import ResourceRow
    from unkey_sync.scim.storage import TenantStorage


def search_rows(
    storage: TenantStorage, resource_types: list[ResourceType], search_request: SearchRequest[Any]
) -> SearchPage:
    """One page. Raises NotImplementedException for several resource types at once."""
    if len(resource_types) != 1:
        raise NotImplementedException(detail="Search /Users or /Groups")
    kind = str(resource_types[0].name)
    start = search_request.start_index_0 or 0
    count = PAGE_LIMIT if search_request.count is None else search_request.count
    if search_request.filter is None:
        rows = storage.tx.scim.page(storage.source, kind, start, count)
        return SearchPage(storage.tx.scim.count(storage.source, kind), [storage.read(row) for row in rows])
    return _filtered(storage, kind, search_request.filter, slice(start, start + count))


def _filtered(storage: TenantStorage, kind: str, scim_filter: Any, page: slice) -> SearchPage:
    total, found = 0, []
    for row in _candidates(storage, kind, scim_filter.ast):
        resource = storage.read(row)
        if not scim_filter.match(resource):
            continue
        if page.start <= total < page.stop:
            found.append(resource)
        total += 1
    return SearchPage(total, found)


def _candidates(storage: TenantStorage, kind: str, node: object) -> Iterable[ResourceRow]:
    rows = storage.tx.scim
    if isinstance(node, Comparison) and node.op == CompareOperator.eq and isinstance(node.value, str):
        attribute = str(node.attr_path).rpartition(":")[2].lower()
        if attribute == "id":
            row = rows.get(storage.source, kind, node.value)
            return [row] if row is not None else []
        if attribute == "externalid":
            external = storage.vault.hash_external(storage.source, kind, node.value)
            return rows.find(storage.source, kind, external=external)
        if attribute == {"User": "username", "Group": "displayname"}[kind]:
            name = storage.vault.hash_name(storage.source, kind, node.value)
            return rows.find(storage.source, kind, name=name)
    return rows.walk(storage.source, kind)
