"""Rate-limit namespaces: found by name or id, as a node remembers them together with their overrides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync.sandbox.errors import Refused, not_found
from unkey_sync.sandbox.ids import new_id
from unkey_sync.sandbox.rows import Namespace, Override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync.sandbox.call import Call
    from unkey_sync.sandbox.state import State


@dataclass(frozen=True, slots=True)
class LoadedNamespace:
    namespace: Namespace
    overrides: Sequence[Override]
    """Living ones only."""

    def exact(self, identifier: str) -> Override | None:
        return next((known for known in self.overrides if known.identifier == identifier), None)

    def match(self, identifier: str) -> Override | None:
        """The override of exactly this identifier, else one whose `*` covers it."""
        exact = self.exact(identifier)
        if exact is not None:
            return exact
        wild = (known for known in self.overrides if "*" in known.identifier)
        return next((known for known in wild if _covers(known.identifier, identifier)), None)


def find_namespace(call: Call, name_or_id: str) -> LoadedNamespace | None:
    cached = (call.workspace, name_or_id)
    found: LoadedNamespace | None = call.node.namespaces.get(
        cached, call.now, lambda: _load(call.ro, call.workspace, name_or_id)
    )
    return found


def known_namespace(call: Call, name_or_id: str) -> LoadedNamespace:
    """Raises `Refused` (404)."""
    found = find_namespace(call, name_or_id)
    if found is None:
        raise not_found("ratelimit_namespace", "This namespace does not exist.")
    return found


def unknown_override() -> Refused:
    return not_found("ratelimit_override", "This override does not exist.")


def forget(call: Call, namespace: Namespace) -> None:
    """This node drops what it remembers of a namespace; the other nodes do not hear of it."""
    for name in (namespace.name, namespace.id):
        call.node.namespaces.drop((call.workspace, name))


def make_namespace(call: Call, name: str) -> LoadedNamespace:
    """Its own transaction, as upstream: it stays even if the call is refused afterwards."""
    known = call.rw.namespaces.find("name", (call.workspace, name))
    namespace = known or call.tx.put(
        call.rw.namespaces, Namespace(id=new_id("rlns"), workspace=call.workspace, name=name)
    )
    call.commit()
    forget(call, namespace)
    loaded = LoadedNamespace(namespace, tuple(call.rw.overrides.members("namespace", namespace.id)))
    return call.node.namespaces.get((call.workspace, name), call.now, lambda: loaded)


def _load(state: State, workspace: str, name_or_id: str) -> LoadedNamespace | None:
    by_id = state.namespaces.get(name_or_id)
    namespace = by_id if by_id is not None and by_id.workspace == workspace else None
    namespace = namespace or state.namespaces.find("name", (workspace, name_or_id))
    if namespace is None:
        return None
    return LoadedNamespace(namespace, tuple(state.overrides.members("namespace", namespace.id)))


def _covers(pattern: str, identifier: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), identifier, re.DOTALL) is not None
