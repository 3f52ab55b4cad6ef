"""What an operation is given: who calls, with what, when, and which state to read and write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unkey_sync.sandbox.nodes import Node
    from unkey_sync.sandbox.rights import Principal
    from unkey_sync.sandbox.state import State, Tx
    from unkey_sync.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Reply:
    """A 200. `bare`: the answer has no `data` member at all (deleteIdentity)."""

    data: Any = field(default_factory=dict)
    pagination: dict[str, Any] | None = None
    bare: bool = False


@dataclass(slots=True)
class Call:
    """`rw` is the primary, `ro` the replica:
    which of the two an operation reads decides what lag does to it.
    """

    world: World
    principal: Principal
    body: Any
    now: int
    """Milliseconds of the sandbox's clock."""
    node: Node
    tx: Tx
    committed: bool = False

    @property
    def workspace(self) -> str:
        return self.principal.workspace

    @property
    def rw(self) -> State:
        return self.world.state

    @property
    def ro(self) -> State:
        return self.world.replica.state(self.now)

    def commit(self) -> None:
        """End a transaction; what follows is another one."""
        self.committed = self.world.commit(self.tx) or self.committed
