"""One subject's turn: what a worker holds while it works on it, and what comes out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unkey_sync.ledger.codec import to_fact
from unkey_sync.model import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unkey_sync_connectors.event import Event

    from unkey_sync.errors import SyncError
    from unkey_sync.facts import Register
    from unkey_sync.ledger.fact_rows import FactRow
    from unkey_sync.ledger.identity_rows import EditRow, IdentityRow, OperationRow
    from unkey_sync.ledger.key_rows import HandoverRow
    from unkey_sync.ledger.store import Tx
    from unkey_sync.ledger.subject_rows import Claim
    from unkey_sync.model import Desired, Rotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A claimed subject with what is known of it. `deadline`: monotonic seconds; after it the lease is gone.

    `identity` is loaded for a real turn only; whether one is needed does not depend on it.
    """

    claim: Claim
    facts: tuple[FactRow, ...]
    rotations: tuple[Rotation, ...]
    event_ids: tuple[str, ...]
    deadline: float
    identity: IdentityRow | None = None

    @property
    def subject(self) -> str:
        return self.claim.subject

    def state(self) -> State:
        return State(
            subject=self.subject,
            facts=tuple(to_fact(row.source, row.entity, row.register) for row in self.facts),
        )

    def inputs(self, policy: str) -> str:
        """Digest of everything but the time that the desired state depends on."""
        said = sorted(
            f"{row.key}{row.register.digest}{row.register.past_due_since}{row.register.doubt}"
            f"{row.register.body_version if row.register.deleted else ''}"
            for row in self.facts
        )
        return hashlib.blake2b(
            "\n".join([policy, str(self.rotations), *said]).encode(), digest_size=12
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class Settled:
    """An object read from its source, and what was known of it when the reading began."""

    event_id: str
    event: Event
    before: Register


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one turn ended. Everything in it is committed together, or not at all when the lease was lost.

    `error` None: desired was reached, or `look_again_at` says when to go on. `uncertain`: a call's outcome is unknown.
    """

    work: Work
    desired: Desired | None = None
    identity: IdentityRow | None = None
    operations: tuple[OperationRow, ...] = ()
    edits: tuple[EditRow, ...] = ()
    settled: tuple[Settled, ...] = ()
    handovers: tuple[HandoverRow, ...] = ()
    armed: tuple[str, ...] = ()
    """Ids of keys that were enabled for the first time: their secrets may be handed over now."""
    finished: bool = True
    """False: the events behind this turn have not taken full effect yet."""
    look_again_at: int | None = None
    error: SyncError | None = None
    uncertain: bool = False
    inputs: str | None = None
    problems: Mapping[str, str] | None = None
    """Event id -> why a person must look at it, although the subject itself is in order."""


def load_work(tx: Tx, claims: Sequence[Claim], deadline: float) -> list[Work]:
    """Everything the turns of these subjects need, in a handful of statements whatever their number."""
    return load_identities(tx, load_inputs(tx, claims, deadline))


def load_identities(tx: Tx, works: Sequence[Work]) -> list[Work]:
    """What Unkey holds, as far as the ledger knows, put into these works."""
    if not works:
        return []
    turned = {work.subject: work.rotations for work in works}
    identities = tx.identities.load_with(turned, list(turned))
    return [replace(work, identity=identities.get(work.subject)) for work in works]


def load_inputs(tx: Tx, claims: Sequence[Claim], deadline: float) -> list[Work]:
    """What shows whether these subjects need a real turn: everything but their identities.

    Open events are read before facts: what is finished with this turn has been taken into account by it.
    """
    names = [claim.subject for claim in claims]
    if not names:
        return []
    open_events = tx.events.open_of(names)
    by_subject: dict[str, list[FactRow]] = {name: [] for name in names}
    for row in tx.facts.of_subjects(names):
        for holder in {row.subject, row.member}:
            if holder in by_subject:
                by_subject[holder].append(row)
    turned = tx.keys.rotations_of(names)
    return [
        Work(
            claim=claim,
            facts=tuple(by_subject[claim.subject]),
            rotations=turned.get(claim.subject, ()),
            event_ids=tuple(open_events.get(claim.subject, ())),
            deadline=deadline,
        )
        for claim in claims
    ]
