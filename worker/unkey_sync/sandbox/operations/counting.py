"""ratelimit.limit and multiLimit: counters by namespace and identifier;
exceeding is a 200 with `success: false`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.errors import unexpected
from unkey_sync.sandbox.operations.namespaces import LoadedNamespace, find_namespace, make_namespace
from unkey_sync.sandbox.rights import on_namespace
from unkey_sync.sandbox.windows import Charge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.sandbox.rows import Override


def limit(call: Call) -> Reply:
    loaded = _namespaces(call, [call.body["namespace"]])[call.body["namespace"]]
    call.principal.require(on_namespace("limit", loaded.namespace.id))
    charge, override = _charge(call.body, loaded)
    if not charge.countable:
        raise unexpected("We're unable to process the rate limit request.")
    verdict = call.world.windows.charge([charge], call.now)[0]
    view = {
        "success": verdict.passed,
        "limit": charge.limit,
        "remaining": verdict.remaining,
        "reset": verdict.reset,
    }
    return Reply(view | _override_id(override))


def multi_limit(call: Call) -> Reply:
    loaded = _namespaces(call, [check["namespace"] for check in call.body])
    _require_all(call, loaded)
    charges = [_charge(check, loaded[check["namespace"]]) for check in call.body]
    if not all(charge.countable for charge, _ in charges):
        raise unexpected("We're unable to process the rate limit requests.")
    verdicts = call.world.windows.charge([charge for charge, _ in charges], call.now)
    limits = [
        {
            "namespace": check["namespace"],
            "identifier": check["identifier"],
            "passed": verdict.passed,
            "limit": charge.limit,
            "remaining": verdict.remaining,
            "reset": verdict.reset,
            **_override_id(override),
        }
        for check, (charge, override), verdict in zip(call.body, charges, verdicts, strict=True)
    ]
    return Reply({"passed": all(verdict.passed for verdict in verdicts), "limits": limits})


def _namespaces(call: Call, names: list[str]) -> dict[str, LoadedNamespace]:
    """By the name that was asked for; missing ones are made, with permission."""
    found = {name: find_namespace(call, name) for name in names}
    if None in found.values():
        call.principal.require(["ratelimit.*.create_namespace"])
    return {name: known or make_namespace(call, name) for name, known in found.items()}


def _require_all(call: Call, loaded: Mapping[str, LoadedNamespace]) -> None:
    """The wildcard, or the permission on each of the namespaces."""
    for one in loaded.values():
        call.principal.require(on_namespace("limit", one.namespace.id))


def _charge(check: Mapping[str, Any], loaded: LoadedNamespace) -> tuple[Charge, Override | None]:
    override = loaded.match(check["identifier"])
    limit, duration = (override.limit, override.duration) if override else (check["limit"], check["duration"])
    name = ("namespace", loaded.namespace.id, check["identifier"])
    return Charge(name, limit, duration, check.get("cost", 1)), override


def _override_id(override: Override | None) -> dict[str, str]:
    return {"overrideId": override.id} if override else {}
