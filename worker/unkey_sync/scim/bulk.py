"""The plan of a Bulk (RFC 7644, section 3.7): scim2-server's, with ids promised before their resources exist.

Resources that refer to each other in a circle can be made only that way. A promise that is not kept breaks the
plan; it is then run again, from the start, without promises.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from scim2_models import InvalidValueException
from scim2_server.bulk import BULK_ID_PREFIX, BulkPlan, resolve_operation

from unkey_sync.ledger.scim_rows import GROUP, USER
from unkey_sync.scim.members import MemberChange, is_of_group, key_of, lift_members, refuse_long_removals
from unkey_sync.scim.quirks import mend_patch, mend_resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scim2_models import BulkOperation, Resource
    from scim2_server.bulk import BulkStep

OPERATIONS_LIMIT = 200
"""Most operations in one Bulk: they are one transaction, and other writers wait for it."""
_KINDS = {"users": USER, "groups": GROUP}


class BrokenPromise(Exception):  # noqa: N818
    """A resource was referred to before it existed, and was not made."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The id and kind of a resource that another one refers to and that is yet to be made."""

    id: str
    kind: str


class Plan(BulkPlan):
    """`changes`: what was lifted out of the operations at these positions."""

    def __init__(self, read: BulkPlan, changes: Mapping[int, MemberChange]) -> None:
        self.changes = changes
        self.promised: dict[str, Promise] = {}
        super().__init__(read.operations, read.fail_on_errors)

    def check(self) -> None:
        """Raises BrokenPromise."""
        if self.promised.keys() - self.created.keys():
            raise BrokenPromise


class HopefulPlan(Plan):
    """Circular references are resolved by promises."""

    def operation(self, step: BulkStep) -> BulkOperation[Resource[Any]]:
        return resolve_operation(super().operation(step), self._promise)

    def _promise(self, bulk_id: str) -> str:
        creation = self.creations.get(bulk_id)
        if creation is None or creation in self.results:
            return BULK_ID_PREFIX + bulk_id
        kind = _KINDS.get((self.operations[creation].path or "").strip("/").lower())
        if kind is None:
            return BULK_ID_PREFIX + bulk_id
        return self.promised.setdefault(bulk_id, Promise(uuid.uuid4().hex, kind)).id


def lift_bulk(body: bytes) -> tuple[bytes, dict[int, MemberChange]]:
    """A Bulk without the changes of members, and those by the position of their operation."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body, {}  # scim2-server says what is wrong with it
    name = key_of(said, "operations")
    operations = said[name] if name else None
    changes: dict[int, MemberChange] = {}
    for position, one in enumerate(operations if isinstance(operations, list) else ()):
        change = _lift(one)
        if change is not None:
            changes[position] = change
    return orjson.dumps(said), changes


def _lift(operation: Any) -> MemberChange | None:
    """Mend one operation and take the change out of it, in place. What would take too long is emptied: refused."""
    method, path, data = (key_of(operation, name) for name in ("method", "path", "data"))
    if not (method and path and data):
        return None
    if str(operation[method]).upper() != "PATCH":
        operation[data] = mend_resource(operation[data])
        return None
    operation[data], change = mend_patch(operation[data]), None
    if is_of_group(operation[path]):
        lifted = lift_members(operation[data])
        operation[data], change = lifted.body, lifted.change
    try:
        refuse_long_removals(operation[data])
    except InvalidValueException:
        operation[data] = {"Operations": []}
    return change
