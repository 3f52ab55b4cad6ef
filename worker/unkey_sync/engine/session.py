"""The state of one turn while it is taken: what is known, what was done, how it ended."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from unkey_sync.clock import SECOND
from unkey_sync.edits import missing_identity
from unkey_sync.engine.work import Result, Settled, Work
from unkey_sync.ids import new_id
from unkey_sync.ledger.codec import dump, to_fact
from unkey_sync.ledger.identity_rows import EditRow, IdentityRow, OperationRow
from unkey_sync.model import UNKNOWN_QUOTA, UNKNOWN_ROLES, Access, Observed, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unkey_sync.clock import Clock
    from unkey_sync.edits import Edit
    from unkey_sync.errors import SyncError
    from unkey_sync.facts import Register
    from unkey_sync.ledger.fact_rows import FactRow
    from unkey_sync.ledger.key_rows import HandoverRow
    from unkey_sync.model import Desired, Operation
    from unkey_sync.unkey.models import Key


ORPHAN_AGE_US = 600 * SECOND
"""Longer than any call under way can take: what is unknown and disabled by then is a trace."""
_CLOSED = frozenset({Access.SUSPENDED, Access.RETAINED, Access.REMOVED})


class Session:
    """One turn. `observed` follows every call; `fresh` is True once Unkey's own answer stands behind it."""

    def __init__(self, work: Work, clock: Clock, settle_us: int) -> None:
        self.work = work
        self.clock = clock
        self._settle_us = settle_us
        self.state: State = work.state()
        self.observed: Observed = work.identity.observed if work.identity else Observed()
        self.created_at = work.identity.created_at if work.identity else None
        self.uncertain = work.claim.uncertain
        self.uncertain_end = False
        self.fresh = False
        self.listed = False
        """True once keys have been listed in this turn."""
        self.looking = work.claim.look
        """True until everything that we hold in Unkey has been read afresh."""
        self.relinked = False
        self.desired: Desired | None = None
        self.pause = False
        """True: what was just done must be written down before anything else is done."""
        self.handed_in = ""
        """Hand-over id of a secret of ours whose hash Unkey has; its key's id is asked for next."""
        self.read_keys: dict[str, Key | None] = {}
        """Keys read in this turn, on whose balances the next write builds; None: gone."""
        self.armed: list[str] = []
        self._handovers: list[HandoverRow] = []
        self._edits: list[Edit] = []
        self._operations: list[OperationRow] = []
        self._settled: list[Settled] = []

    def settle(self, row: FactRow, settled: Settled, register: Register) -> None:
        """An object was read from its source: decide with it from now on."""
        self._settled.append(settled)
        fact = to_fact(row.source, row.entity, register)
        others = tuple(
            one for one in self.state.facts if (one.source, one.entity) != (row.source, row.entity)
        )
        self.state = State(subject=self.state.subject, facts=(*others, fact))

    def aim_for(self, desired: Desired) -> None:
        """Desired state of this step. Opening ends the fence: what was listed while closed proves nothing later."""
        self.desired = desired
        if desired.access is Access.ENABLED and self.observed.fenced_at is not None:
            self.observed = replace(self.observed, fenced_at=None)

    @property
    def closing(self) -> bool:
        return self.desired is not None and self.desired.access in _CLOSED

    @property
    def believes(self) -> bool:
        """Whether what is read now is what Unkey holds: no write of ours is so young that a replica may lag."""
        written = self.observed.written_at
        settled = written is None or self.clock.now() >= written + self._settle_us
        return settled and not self.work.claim.uncertain

    def note_edits(self, found: Iterable[Edit]) -> None:
        """Something of ours is not as we left it."""
        self._edits.extend(found)

    def note_lost_identity(self) -> None:
        if self.believes and self.desired is not None:
            self.note_edits([missing_identity(self.desired.external_id)])

    def hand_over(self, row: HandoverRow) -> None:
        self._handovers.append(row)

    def expect_orphans(self) -> None:
        """An answer was lost: a disabled key that nobody knows may exist, and is looked for in time."""
        self.observed = replace(self.observed, orphans_due_at=self.clock.now() + ORPHAN_AGE_US)

    def note_balance_write(self) -> None:
        """A write of credits begins now: what is read soon after may be older."""
        self.observed = replace(self.observed, balances_written_at=self.clock.now())

    def doubt_keys(self) -> None:
        """Keys in slots are written again in full once access is open: credits anew rather than another plan's."""
        keys = self.observed.keys
        doubted = (
            replace(key, roles=UNKNOWN_ROLES, quota=UNKNOWN_QUOTA) if key.slot is not None else key
            for key in keys or ()
        )
        self.observed = replace(self.observed, keys=None if keys is None else tuple(doubted))

    def wanted_fields(self) -> frozenset[str]:
        """Top-level meta fields that are ours."""
        return frozenset(self.desired.meta) if self.desired else frozenset()

    def record(self, operation: Operation, outcome: str, request_id: str = "") -> None:
        """Note a call that was made, for the append-only record."""
        now = self.clock.now()
        self.observed = replace(self.observed, written_at=now)
        self._operations.append(
            OperationRow(
                id=new_id("op", now),
                subject=self.work.subject,
                call=operation.call.value,
                target=operation.target,
                why=operation.why,
                before=dump(operation.before),
                after=dump(operation.after),
                outcome=outcome,
                request_id=request_id,
                at=now,
            )
        )

    def result(
        self, error: SyncError | None, look_again_at: int | None, fingerprint: str, problems: dict[str, str]
    ) -> Result:
        return Result(
            work=self.work,
            desired=self.desired,
            identity=self._identity(),
            operations=tuple(self._operations),
            edits=tuple(self._edit_rows()),
            handovers=tuple(self._handovers),
            armed=tuple(self.armed),
            finished=not self.pause and not (self._removing() and look_again_at is not None),
            settled=tuple(self._settled),
            look_again_at=look_again_at,
            error=error,
            uncertain=self.uncertain_end or (error is not None and self.uncertain),
            inputs=None if error or self._settled else self.work.inputs(fingerprint),
            problems={**problems, **self._problems()},
        )

    def _edit_rows(self) -> Iterator[EditRow]:
        now = self.clock.now()
        for edit in sorted(set(self._edits)):
            yield EditRow(id=new_id("edt", now), subject=self.work.subject, at=now, **asdict(edit))

    def _removing(self) -> bool:
        """A removal is finished when it is verified, not when it has begun."""
        return self.desired is not None and self.desired.access is Access.REMOVED

    def _problems(self) -> dict[str, str]:
        found = self.desired.problems if self.desired else ()
        return {problem.event_id: problem.text for problem in found}

    def _identity(self) -> IdentityRow | None:
        """The ledger row to write; None when nothing was learnt."""
        before = self.work.identity
        if self.desired is None or (before is None and self.observed == Observed()):
            return None
        row = IdentityRow(
            subject=self.work.subject,
            external_id=before.external_id if before else self.desired.external_id,
            created_at=self.created_at,
            observed=self.observed,
        )
        return None if row == before else row
