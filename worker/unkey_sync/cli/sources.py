"""Configured sources as connectors, for the commands that need one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors.base import ConfigProblem, SourceConfig

from unkey_sync.cli.output import CommandError, ExitCode
from unkey_sync.configfile import suggest

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Connector

    from unkey_sync.cli.world import Session
    from unkey_sync.settings import Loaded, SourceSettings


def to_source_config(name: str, source: SourceSettings) -> SourceConfig:
    """The settings of a source, as its connector wants them."""
    return SourceConfig(
        name=name,
        kind=source.kind,
        secrets=tuple(secret.get_secret_value() for secret in source.webhook_secrets),
        tolerance_s=source.tolerance_s,
        account=source.account,
        options=source.options,
    )


def connector_of(session: Session, loaded: Loaded, name: str) -> Connector:
    """The connector of a configured source. Raises `CommandError` that says what to configure."""
    source = loaded.settings.sources.get(name)
    if source is None:
        known = loaded.settings.sources
        raise _unusable(f"source {name} is not configured{suggest(name, known)}", "unknown_source")
    registry = session.world.connectors()
    if source.kind not in registry.known_kinds():
        raise _unusable(
            f"no connector of kind {source.kind}{suggest(source.kind, registry.known_kinds())}", "kind"
        )
    try:
        return registry.create(to_source_config(name, source))
    except ConfigProblem as problem:
        raise _unusable(str(problem), "source") from problem


def signing_connector(session: Session, loaded: Loaded, name: str) -> Connector:
    """As `connector_of`, for a source that has a webhook secret."""
    connector = connector_of(session, loaded, name)
    if not connector.config.secrets:
        raise _unusable(
            f"source {name} has no webhook secret; set sources.{name}.webhook_secrets or its variable",
            "no_secret",
        )
    return connector


def _unusable(message: str, code: str) -> CommandError:
    return CommandError(message, code=code, exit_code=ExitCode.USAGE)
