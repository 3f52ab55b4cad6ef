"""`unkey-sync trigger SOURCE EVENT`: a sample event, signed with the configured secret, posted to the
receiver.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from unkey_sync.cli.output import CommandError, ExitCode, write_text
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    import httpx
    from unkey_sync_connectors.base import Connector

    from unkey_sync.cli.world import Session
    from unkey_sync.settings import Loaded

DEADLINE_S = 10.0


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(trigger)
    return app


def trigger(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Name of a configured source.")],
    event: Annotated[
        str | None, typer.Argument(help="Event type; without one, those that exist are listed.")
    ] = None,
    settings: Annotated[
        list[str], typer.Option("--set", help="path=value, e.g. data.id=user_1; repeatable.")
    ] = [],  # noqa: B006
    url: Annotated[str, typer.Option(help="The receiver.")] = "http://127.0.0.1:8787",
) -> int:
    """Sign a sample event and post it to the receiver. Exit code 0: it was accepted."""
    from unkey_sync.cli.sources import signing_connector

    session = session_of(context)
    connector = signing_connector(session, _load(session), source)
    if event is None:
        return _list_events(session, connector)
    body = make_body(connector, event, settings, session.world.clock.now())
    answer = post(session, connector, f"{url.rstrip('/')}/webhooks/{source}", body)
    write_text(session.world, f"{answer.status_code} {answer.reason_phrase} {answer.text}".rstrip())
    return ExitCode.OK if answer.is_success else ExitCode.FAILED


def _load(session: Session) -> Loaded:
    """The settings, with the sources of `dev` where none is configured."""
    from unkey_sync.settings.dev_sources import dev_sources

    loaded = session.load()
    flags = dev_sources(loaded.settings)
    return session.load(flags) if flags else loaded


def make_body(connector: Connector, event: str, settings: list[str], now: int) -> bytes:
    """The sample of this event type, fresh, with the user's values. Raises `CommandError`."""
    from unkey_sync.configfile import suggest
    from unkey_sync.sample import freshen, override

    samples = connector.samples()
    if event not in samples:
        message = f"{connector.kind} has no sample of {event}{suggest(event, samples)}"
        raise CommandError(message, code="event", exit_code=ExitCode.USAGE)
    try:
        payload = override(freshen(samples[event], now), settings)
    except ValueError as error:
        raise CommandError(str(error), code="set", exit_code=ExitCode.USAGE) from error
    return json.dumps(payload, separators=(",", ":")).encode()


def post(session: Session, connector: Connector, url: str, body: bytes) -> httpx.Response:
    """Raises `CommandError` when nobody answers there."""
    import httpx

    headers = {"content-type": "application/json", **connector.sign(body, session.world.clock.now())}
    try:
        with httpx.Client(transport=session.world.transport, timeout=DEADLINE_S, trust_env=False) as client:
            return client.post(url, content=body, headers=headers)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise CommandError(
            f"no answer from {url} ({type(error).__name__})",
            code="unreachable",
            remedy="Start the receiver (unkey-sync dev) or name its address with --url.",
            exit_code=ExitCode.UNREACHABLE,
        ) from error


def _list_events(session: Session, connector: Connector) -> int:
    write_text(session.world, "\n".join(sorted(connector.samples())))
    return ExitCode.OK
