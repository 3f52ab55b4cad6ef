"""`unkey-sync keys list|rotate|reveal|revoke`: key slots and their hand-over."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unkey_sync.cli.output import CommandError, ExitCode, note, write_json, write_table, write_text
from unkey_sync.cli.runtime import ledger_of, no_such_subject
from unkey_sync.cli.text import clean, instant
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    from unkey_sync.handover.reveal import Wanted
    from unkey_sync.handover.slots import Decide
    from unkey_sync.ledger.store import Tx
    from unkey_sync.model import ObservedKey, Slot
    from unkey_sync.wiring import Runtime

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
SlotName = Annotated[str | None, typer.Option("--slot", help="Which slot, when there are several.")]
Member = Annotated[str | None, typer.Option("--member", help="Whose key, in a slot that has one per member.")]


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Key slots and their hand-over.")
    app.command("list")(list_keys)
    app.command("rotate")(rotate)
    app.command("reveal")(reveal)
    app.command("revoke")(revoke)
    return app


def list_keys(
    context: typer.Context,
    subject: Annotated[str | None, typer.Argument(help="Only this subject's.")] = None,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1)] = 10_000,
) -> None:
    """Keys in slots: which generation, in what state, handed over or not."""
    from unkey_sync.handover.listing import key_list

    with ledger_of(context) as runtime, runtime.ledger.transaction() as tx:
        name = _named(tx, subject) if subject is not None else None
        rows = key_list(tx, name, limit, runtime.clock.now())
    world = session_of(context).world
    if as_json:
        write_json(world, rows)
        return
    head = ["SUBJECT", "SLOT", "KEY", "GEN", "STATE", "ENDS", "HAND-OVER"]
    write_table(world, [head, *[_row(row) for row in rows]])


def _row(row: dict[str, Any]) -> list[str]:
    handover = row["handover"]
    given = f"{handover['mode']} {handover['state']} {instant(handover['finished_at'])}" if handover else "-"
    slot = f"{row['slot']}/{row['member']}" if row["member"] else row["slot"]
    cells = [row["subject"], slot, row["key_id"], str(row["generation"]), row["state"]]
    return [clean(cell) for cell in [*cells, instant(row["expires_at"]), given]]


def reveal(
    context: typer.Context,
    subject: str,
    slot: SlotName = None,
    member: Member = None,
    as_json: AsJson = False,
) -> None:
    """Print a new key, once. Whoever asks again is told that it was fetched."""
    from unkey_sync.handover.reveal import Wanted

    with ledger_of(context) as runtime:
        with runtime.ledger.transaction() as tx:
            name = _named(tx, subject)
        found = _reveal(runtime, Wanted(name, slot, member))
    world = session_of(context).world
    if as_json:
        write_json(world, found)
    else:
        write_text(world, found["key"])


def _reveal(runtime: Runtime, wanted: Wanted) -> dict[str, Any]:
    from unkey_sync.handover import reveal as handover

    try:
        with runtime.ledger.transaction() as tx:
            found = handover.reveal(tx, runtime.sealer, wanted, runtime.clock.now())
    except handover.NotRevealed as none:
        raise CommandError(str(none), code=none.code, remedy=none.remedy) from none
    shown = {"subject": found.subject, "slot": found.slot, "key_id": found.key_id, "key": found.key.reveal()}
    return shown | ({"member": found.member} if found.member else {})


def rotate(  # noqa: PLR0913, PLR0917  -- the options of a command
    context: typer.Context,
    subject: str,
    slot: SlotName = None,
    member: Member = None,
    overlap: Annotated[
        str | None, typer.Option(help="How long the old key still works, e.g. 24h. Default: the policy's.")
    ] = None,
    at_once: Annotated[bool, typer.Option("--now", help="After a leak: end the old key first.")] = False,
) -> None:
    """Replace a key; fill a revoked slot again. A worker does it, within seconds."""
    from unkey_sync.handover.slots import to_rotated
    from unkey_sync.model import AT_ONCE

    length = _duration(overlap) if overlap is not None else None
    if at_once and length is not None:
        raise _usage("--now and --overlap exclude each other")
    with ledger_of(context) as runtime:
        with runtime.ledger.transaction() as tx:
            name = _named(tx, subject)
            chosen = _choose(tx, name, slot, member)
        if length is None:
            length = next((one.overlap for one in runtime.policy.keys if one.slot == chosen.name), 0)
        until = AT_ONCE if at_once or length == 0 else runtime.clock.now() + length
        done = _turn(runtime, name, chosen, partial(to_rotated, overlap_until=until))
    _tell(context, chosen, "will be replaced" if done else "is being replaced already")


def revoke(
    context: typer.Context,
    subject: str,
    slot: SlotName = None,
    member: Member = None,
    key_id: Annotated[str | None, typer.Option("--key-id", help="The slot of this key.")] = None,
) -> None:
    """End a key for good; its slot stays empty until `keys rotate`. An older key ends without the newest."""
    from unkey_sync.handover.slots import to_revoked, to_without_older

    if key_id is not None and (slot is not None or member is not None):
        raise _usage("--key-id and --slot or --member exclude each other")
    with ledger_of(context) as runtime:
        with runtime.ledger.transaction() as tx:
            name = _named(tx, subject)
            newest = key_id is None or _is_newest(tx, name, key_id)
            chosen = _slot_of(tx, name, key_id) if key_id is not None else _choose(tx, name, slot, member)
        done = _turn(runtime, name, chosen, to_revoked if newest else to_without_older)
    outcome = "will be emptied" if newest else "keeps its newest key only"
    _tell(context, chosen, outcome if done else "needs no change")


def _turn(runtime: Runtime, subject: str, slot: Slot, decide: Decide) -> bool:
    from unkey_sync.handover.slots import turn

    with runtime.ledger.transaction() as tx:
        return turn(tx, subject, slot, decide, runtime.clock.now())


def _tell(context: typer.Context, slot: Slot, what: str) -> None:
    name = f"{slot.name}/{slot.member}" if slot.member else slot.name
    note(session_of(context).world, clean(f"slot {name} {what}"))


def _named(tx: Tx, name: str) -> str:
    found = tx.reports.subject_named(name)
    if found is None:
        raise no_such_subject(name)
    return found


def _held(tx: Tx, subject: str) -> list[tuple[Slot, ObservedKey]]:
    keys = tx.keys.of_subjects([subject]).get(subject, ())
    return [(key.slot, key) for key in keys if key.slot is not None]


def _choose(tx: Tx, subject: str, slot: str | None, member: str | None) -> Slot:
    """The slot that is meant. Raises CommandError unless exactly one fits."""
    known = {one for one, _ in _held(tx, subject)}
    known |= {one.slot for one in tx.keys.rotations_of([subject]).get(subject, ())}
    fits = sorted(one for one in known if slot in (None, one.name) and member in (None, one.member))
    if len(fits) == 1:
        return fits[0]
    if not fits:
        raise CommandError(
            "this subject has no such slot", code="no_slot", remedy="`unkey-sync keys list` shows all."
        )
    names = ", ".join(f"{one.name}/{one.member}".rstrip("/") for one in fits)
    raise CommandError(f"several slots: {names}", code="several_slots", remedy="Add --slot or --member.")


def _slot_of(tx: Tx, subject: str, key_id: str) -> Slot:
    for slot, key in _held(tx, subject):
        if key.key_id == key_id:
            return slot
    raise CommandError(
        "no slot of this subject holds that key",
        code="no_key",
        remedy="Keys made by others are ended in Unkey itself.",
    )


def _is_newest(tx: Tx, subject: str, key_id: str) -> bool:
    slot = _slot_of(tx, subject, key_id)
    keys = [key for one, key in _held(tx, subject) if one == slot]
    return max(keys, key=lambda key: key.generation).key_id == key_id


def _duration(text: str) -> int:
    from unkey_sync.policy.shape import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise _usage(f"--overlap {error}") from None


def _usage(message: str) -> CommandError:
    return CommandError(message, code="usage", exit_code=ExitCode.USAGE)
