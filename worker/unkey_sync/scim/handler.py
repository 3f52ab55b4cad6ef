"""scim2-server's handler, with two things of ours: groups are changed without loading their members, and a Bulk
is one transaction.

Each operation of a Bulk has a savepoint, and the answer is sent after the commit of all: whoever is killed in the
middle has done nothing.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import orjson
from scim2_models import Error, InvalidValueException, Resource, SCIMException
from scim2_server.handler import ScimHandler
from scim2_server.routing import Operation
from scim2_server.service import ScimService

from unkey_sync.errors import Park
from unkey_sync.ledger.scim_rows import GROUP
from unkey_sync.scim.bulk import BrokenPromise, HopefulPlan, Plan, lift_bulk
from unkey_sync.scim.members import Lifted, MemberChange, is_of_group, lift_members, refuse_long_removals
from unkey_sync.scim.quirks import mend_patch, mend_resource

if TYPE_CHECKING:
    from scim2_models import BulkOperation, PatchOp, ResourceType
    from scim2_server.bulk import BulkPlan, BulkStep
    from scim2_server.conditions import Conditions
    from scim2_server.requests import ScimRequest
    from scim2_server.responses import ScimResponse

    from unkey_sync.scim.storage import TenantStorage


_QUOTED = re.compile(r"(['\"])(?![\w:.$\[\]-]*\1).*?\1", re.ASCII)
"""What stands in quotation marks and cannot be an attribute's name."""


class Service(ScimService):
    """The protocol's steps. Shared between requests."""

    def bulk_failure(self, outcome: dict[str, Any], exception: Exception) -> dict[str, Any]:
        """What the client did wrong is the outcome of its operation; anything else ends the whole Bulk."""
        if isinstance(exception, Park):
            exception = InvalidValueException(detail="A value cannot be stored")
        if not isinstance(exception, SCIMException):
            raise exception
        return super().bulk_failure(outcome, exception)

    def error_of(self, exception: Exception) -> Error:  # type: ignore[override]  # static there
        """Quotes attribute names, and nothing else that a client sent."""
        error = super().error_of(exception)
        return error.model_copy(update={"detail": _QUOTED.sub("'…'", error.detail or "") or None})

    def publish(self, base_url: str, resource: Resource[Any]) -> Resource[Any]:
        """Members are not copied one by one: nobody else holds them."""
        members, bare = getattr(resource, "members", None), resource
        if members:
            bare = resource.model_copy(update={"members": None})
        published = super().publish(base_url, bare)
        for one in members or ():
            one.ref = self.reference_location(base_url, one.ref)
        return published.model_copy(update={"members": members}) if members else published


class Handler(ScimHandler):
    """Belongs to one request."""

    storage: TenantStorage

    def __init__(self, service: Service, storage: TenantStorage) -> None:
        super().__init__(service, storage)
        self._change: MemberChange | None = None
        self._shows_members = False

    def create(self, request: ScimRequest) -> ScimResponse:
        return super().create(_with(request, mend_resource(_loaded(request.body))))

    def replace(self, request: ScimRequest) -> ScimResponse:
        return super().replace(_with(request, mend_resource(_loaded(request.body))))

    def patch(self, request: ScimRequest) -> ScimResponse:
        # Without these parameters the answer is 204.
        self._shows_members = bool({"attributes", "excludedAttributes"} & set(request.query))
        body = mend_patch(_loaded(request.body))
        lifted = lift_members(body) if is_of_group(request.path) else Lifted(body, None)
        with self.service.provider:
            refuse_long_removals(lifted.body)
        self._change = lifted.change
        return super().patch(_with(request, lifted.body))

    def patch_resource(
        self,
        resource_type: ResourceType,
        resource_id: str,
        patch_op: PatchOp[Any],
        conditions: Conditions,
    ) -> Resource[Any]:
        change, self._change = self._change, None
        if change is None or resource_type.name != GROUP:
            return super().patch_resource(resource_type, resource_id, patch_op, conditions)
        group = self.storage.glance(resource_type, resource_id)
        patched = self.service.apply_patch(group, patch_op, conditions)
        changed = self.storage.change_group(group, change, renewed=patched is not None)
        return self.storage.get(resource_type, resource_id) if self._shows_members else changed

    def delete_resource(self, resource_type: ResourceType, resource_id: str, conditions: Conditions) -> None:
        current = self.storage.glance(resource_type, resource_id)
        self.service.check_deletion(current, conditions)
        self.storage.delete(resource_type, resource_id)

    def bulk(self, request: ScimRequest) -> ScimResponse:
        """Resources that refer to each other in a circle are tried with promised ids, else refused (409)."""
        with self.service.provider:
            self.service.route(request, Operation.bulk)
            self.service.ensure_bulk_payload_size(len(request.body))
            body, changes = lift_bulk(request.body)
            read = self.service.read_bulk(body, request.header("Content-Type"))
            try:
                return self._together(request, HopefulPlan(read, changes))
            except BrokenPromise:
                return self._together(request, Plan(read, changes))

    def run_bulk_step(
        self, request: ScimRequest, plan: BulkPlan, step: BulkStep
    ) -> tuple[dict[str, Any], Resource[Any] | None]:
        assert isinstance(plan, Plan)  # noqa: S101  -- `bulk` makes no other
        self._change = plan.changes.get(step.index)
        return super().run_bulk_step(request, plan, step)

    def apply_bulk_operation(
        self, resource_type: ResourceType, operation: BulkOperation[Resource[Any]]
    ) -> Resource[Any] | None:
        promise = self.storage.promised.get(operation.bulk_id or "")
        self.storage.next_id = promise.id if promise else None
        return super().apply_bulk_operation(resource_type, operation)

    def _together(self, request: ScimRequest, plan: Plan) -> ScimResponse:
        with self.storage.together():
            self.storage.promised = plan.promised
            for step in plan:
                plan.record(step, *self.run_bulk_step(request, plan, step))
            plan.check()
            return self.service.bulk_response(plan)


def _with(request: ScimRequest, body: Any) -> ScimRequest:
    return request if body is None else dataclasses.replace(request, body=orjson.dumps(body))


def _loaded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None  # scim2-server says what is wrong with it
