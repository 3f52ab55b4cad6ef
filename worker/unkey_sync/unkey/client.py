"""The Unkey client: synchronous, thread-safe, one per process. Puts the parts together and holds no logic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.unkey.apis import Apis
from unkey_sync.unkey.call import Wire
from unkey_sync.unkey.identities import Identities
from unkey_sync.unkey.keys import Keys
from unkey_sync.unkey.meter import Instruments
from unkey_sync.unkey.retry import Repeater
from unkey_sync.unkey.roles import Permissions, Roles
from unkey_sync.unkey.session import Session

if TYPE_CHECKING:
    import httpx

    from unkey_sync.clock import Clock
    from unkey_sync.unkey.budget import Priority
    from unkey_sync.unkey.config import UnkeyConfig
    from unkey_sync.unkey.gate import Gate


class Unkey:
    """Unkey's operations by namespace: `unkey.keys.create(...)`, `unkey.identities.update(...)`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.apis = Apis(session)
        self.identities = Identities(session)
        self.keys = Keys(session)
        self.permissions = Permissions(session)
        self.roles = Roles(session)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._session.config.base_url} {self._session.priority}>"


class UnkeyClient(Unkey):
    """Its own calls count as live.

    `at` gives the operations for sweep and backfill. The gate is not closed here.
    """

    def __init__(
        self,
        config: UnkeyConfig,
        transport: httpx.BaseTransport,
        gate: Gate,
        clock: Clock,
        *,
        instruments: Instruments | None = None,
    ) -> None:
        instruments = instruments or Instruments()
        session = Session(
            config=config,
            wire=Wire(config, transport, clock),
            gate=gate,
            clock=clock,
            repeater=Repeater(config, clock, instruments.jitter),
            jitter=instruments.jitter,
            meter=instruments.meter,
        )
        super().__init__(session)

    def at(self, priority: Priority) -> Unkey:
        """The same operations, which the gate treats as of this priority."""
        return Unkey(self._session.at(priority))

    def close(self) -> None:
        """Closes the transport."""
        self._session.wire.close()
