"""`unkey-sync mapping test`: what a source's connector makes of a payload. Nothing is stored, no server is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path  # noqa: TC003  -- typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unkey_sync.cli.output import CommandError, write_json, write_text
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync_connectors.base import Connector
    from unkey_sync_connectors.event import Entity, Event

    from unkey_sync.cli.world import Session


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Try out what events mean.")
    app.callback()(lambda: None)
    app.command("test")(try_out)
    return app


def try_out(
    context: typer.Context,
    source: Annotated[str, typer.Option("--source", help="Name of a configured source.")],
    file: Annotated[Path, typer.Option("--file", help="A body as the sender posts it.")],
    header: Annotated[
        list[str], typer.Option("--header", "-H", help='"Name: value" or @file; repeatable.')
    ] = [],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the events that a payload would give. The signature is not looked at (`verify` does that)."""
    from unkey_sync_connectors.base import Delivery, Malformed, Unusable

    from unkey_sync.cli.verify import collect_headers, read_file

    session = session_of(context)
    connector = _connector(session, source)
    try:
        found = connector.parse(Delivery(read_file(file), collect_headers(header)))
    except Unusable as unusable:
        raise CommandError(f"it would be parked: {unusable.reason}", code="unusable") from None
    except Malformed as malformed:
        raise CommandError(f"it would be answered 400: {malformed}", code="malformed") from None
    rows = [_row(event) for event in found]
    if as_json:
        write_json(session.world, rows)
    else:
        write_text(session.world, "\n\n".join("\n".join(_lines(row)) for row in rows))


def _connector(session: Session, source: str) -> Connector:
    """With the metadata keys that the policy's link rules read, as the service builds it."""
    from unkey_sync.cli.sources import connector_of
    from unkey_sync.policy import read_policy

    loaded = session.load()
    made = connector_of(session, loaded, source)
    keys = read_policy(loaded.document).metadata_keys
    return session.world.connectors().create(replace(made.config, metadata_keys=keys))


def _row(event: Event) -> dict[str, Any]:
    return {
        "type": event.type,
        "op": event.op.value,
        "entity": _name(event.entity),
        "owner": _name(event.owner),
        "version": event.version,
        "delivery_id": event.delivery_id,
        "body": dict(event.body),
    }


def _name(entity: Entity | None) -> str | None:
    return f"{entity.kind.value} {entity.id}" if entity else None


def _lines(row: dict[str, Any]) -> Iterator[str]:
    import json

    from unkey_sync.cli.text import clean, instant

    yield clean(f"{row['type']}: {row['op']} {row['entity'] or 'nothing'}")
    if row["owner"]:
        yield clean(f"  of {row['owner']}")
    yield clean(f"  version {row['version']} ({instant(row['version'])}), delivery {row['delivery_id']}")
    for name, value in row["body"].items():
        yield clean(f"  {name} = {json.dumps(value, ensure_ascii=False)}")
