"""Each operation of a plan as a call, and what is observed after it. The only place where the engine meets Unkey."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from unkey_sync.clock import SECOND
from unkey_sync.diff import owned_fields
from unkey_sync.edits import identity_edits
from unkey_sync.errors import Adopt, Relink, RetryAt
from unkey_sync.ledger.codec import dump_ratelimits, load_ratelimits
from unkey_sync.ledger.subject_rows import BACKFILL, LIVE, SWEEP
from unkey_sync.model import Access, Call, Observed, Operation
from unkey_sync.unkey.budget import Priority

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.engine.key_calls import KeyCalls
    from unkey_sync.engine.session import Session
    from unkey_sync.model import Desired
    from unkey_sync.unkey.client import Unkey, UnkeyClient


_STAYS = frozenset({Access.ENABLED, Access.SUSPENDED})


class Calls:
    """Makes operations happen."""

    def __init__(self, client: UnkeyClient, keys: KeyCalls) -> None:
        self._by_priority = {
            LIVE: client.at(Priority.LIVE),
            SWEEP: client.at(Priority.SWEEP),
            BACKFILL: client.at(Priority.BACKFILL),
        }
        self._makers: dict[Call, Callable[[Session, Operation], None]] = {
            Call.CREATE_IDENTITY: self._create,
            Call.UPDATE_IDENTITY: self._update,
            Call.DELETE_IDENTITY: self._delete,
        }
        self._keys = keys

    def _unkey(self, session: Session) -> Unkey:
        return self._by_priority[session.work.claim.priority]

    def make(self, session: Session, operation: Operation) -> None:
        """Make one call; `session.observed` is what Unkey holds afterwards."""
        maker = self._makers.get(operation.call)
        if maker is not None:
            maker(session, operation)
        else:
            self._keys.makers[operation.call](session, self._unkey(session), operation)

    def recover(self, session: Session, desired: Desired, settle_us: int) -> None:
        """Find out or write again what an earlier turn left uncertain. Raises RetryAt while it cannot be known.

        A read alone would not do for an identity that stays: it may come from a replica that lags behind that call.
        """
        if session.observed.identity_id is not None and desired.access in _STAYS:
            self._rewrite(session, desired)
        elif session.observed.identity_id is not None:
            session.observed = replace(
                session.observed, meta={}
            )  # should access open again: read, then write
        elif desired.access not in _STAYS:
            self._search(session, desired, settle_us)
        if desired.keys:
            session.expect_orphans()
        session.doubt_keys()
        session.note_balance_write()  # the one whose outcome is unknown may land up to now
        session.observed = replace(session.observed, keys_listed_at=None, fenced_at=None)
        session.uncertain = False

    def look(self, session: Session, desired: Desired) -> None:
        """Read everything afresh, one call at a time. What is not as we left it is noted, and then put right."""
        if session.observed.identity_id is not None and not session.fresh:
            self._read(session, desired.external_id)
        elif not session.listed and self._has_keys(session, desired):
            operation = Operation(call=Call.LIST_KEYS, target=desired.external_id, why="look")
            self._keys.makers[Call.LIST_KEYS](session, self._unkey(session), operation)
        else:
            session.looking = False
            session.observed = replace(session.observed, looked_at=session.clock.now())

    def _has_keys(self, session: Session, desired: Desired) -> bool:
        return session.observed.keys is not None or bool(desired.keys) or desired.others is not None

    def _rewrite(self, session: Session, desired: Desired) -> None:
        self._read(session, desired.external_id)
        meta = {**_foreign(session.observed), **desired.meta}
        operation = Operation(
            call=Call.UPDATE_IDENTITY,
            target=desired.external_id,
            after={"meta": meta, "ratelimits": dump_ratelimits(desired.ratelimits)},
            why="an earlier outcome is unknown",
        )
        self._write(session, operation)

    def _search(self, session: Session, desired: Desired, settle_us: int) -> None:
        """Nothing may stay behind of a create that was under way when its turn died."""
        now = session.clock.now()
        try:
            self._adopt(session, desired.external_id)
        except Relink as lost:
            since = session.observed.fenced_at
            session.observed = replace(session.observed, fenced_at=since if since is not None else now)
            left_us = settle_us - (now - since) if since is not None else settle_us
            if left_us > 0:
                raise RetryAt("not visible yet", after_s=left_us / SECOND, operation=lost.operation) from lost

    def _create(self, session: Session, operation: Operation) -> None:
        after = operation.after
        limits = load_ratelimits(after.get("ratelimits", []))
        meta = after.get("meta", {})
        try:
            created = self._unkey(session).identities.create(
                external_id=operation.target, meta=meta, ratelimits=limits
            )
        except Adopt:
            self._adopt(session, operation.target)
            session.record(operation, "adopted")
            return
        session.created_at = session.clock.now()
        session.fresh = True
        session.uncertain = False
        session.observed = replace(
            session.observed,
            identity_id=created.identity_id,
            meta=dict(meta),
            owned_fields=frozenset(meta),
            ratelimits=limits,
            removed=False,
            looked_at=session.clock.now(),
        )
        session.record(operation, "done")

    def _adopt(self, session: Session, external_id: str) -> None:
        """It is there already: made by an earlier turn that died, or by the customer's own code."""
        view = self._unkey(session).identities.get(external_id=external_id)
        session.created_at = session.created_at or session.clock.now()
        session.fresh = True
        session.observed = replace(
            session.observed,
            identity_id=view.id,
            meta=dict(view.meta),
            owned_fields=owned_fields(dict(view.meta)),
            ratelimits=view.limits(),
            removed=False,
        )

    def _update(self, session: Session, operation: Operation) -> None:
        if "meta" in operation.after and not session.fresh:
            self._read(
                session, operation.target
            )  # meta is replaced wholly: what others wrote must be known before it is sent
            return
        self._write(session, operation)

    def _write(self, session: Session, operation: Operation) -> None:
        after = operation.after
        limits = load_ratelimits(after["ratelimits"]) if "ratelimits" in after else None
        self._unkey(session).identities.update(
            external_id=operation.target, meta=after.get("meta"), ratelimits=limits
        )
        session.observed = replace(
            session.observed,
            meta=after.get("meta", session.observed.meta),
            owned_fields=session.wanted_fields() if "meta" in after else session.observed.owned_fields,
            ratelimits=session.observed.ratelimits if limits is None else limits,
        )
        session.record(operation, "done")

    def _read(self, session: Session, external_id: str) -> None:
        view = self._unkey(session).identities.get(external_id=external_id)
        session.fresh = True
        before = session.observed
        session.observed = replace(
            session.observed,
            meta=dict(view.meta),
            owned_fields=session.observed.owned_fields | owned_fields(dict(view.meta)),
            ratelimits=view.limits(),
        )
        if session.believes:
            session.note_edits(identity_edits(external_id, before, session.observed))

    def _delete(self, session: Session, operation: Operation) -> None:
        outcome = "done"
        try:
            self._unkey(session).identities.delete(external_id=operation.target)
        except Relink:
            outcome = "was gone"
        # Without its identity a key is unlimited and unfindable: it never fills a slot again.
        detached = tuple(replace(key, slot=None, disabled_by_us=False) for key in session.observed.keys or ())
        session.observed = Observed(removed=True, keys=detached, granted=session.observed.granted)
        session.record(operation, outcome)


def _foreign(observed: Observed) -> dict[str, Any]:
    return {name: value for name, value in observed.meta.items() if name not in observed.owned_fields}
