"""Checks that need no server: file, sources, keys, folders, and settings that do not go together."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unkey_sync.configfile import render_path
from unkey_sync.doctor.report import Finding, Level, fine
from unkey_sync.errors import ConfigError
from unkey_sync.policy import lint, read_policy
from unkey_sync.settings import load_secret_keys
from unkey_sync.settings.document import place
from unkey_sync.settings.references import is_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.doctor.report import Patient
    from unkey_sync.settings import SourceSettings

SHORTEST_TOKEN = 16
WITHOUT_API = frozenset({"generic", "scim"})
"""Kinds of source that have no API to ask."""
SECRET_NAMES = frozenset({"root_key", "webhook_secrets", "api_key", "admin_token", "keys"})


def check_file(patient: Patient) -> Iterator[Finding]:
    """A file that holds secrets must be its owner's alone."""
    document = patient.loaded.document
    if not document.path:
        yield from fine("no config file; environment and defaults")
    elif holds_secrets(document.data) and _others_may(Path(document.path), stat.S_IROTH):
        yield Finding(
            Level.ERROR,
            f"{document.path} holds secrets and everybody can read it",
            f"chmod 600 {document.path}, or write env:NAME or file:/path instead of the secret",
        )
    else:
        yield from fine(document.path)


def check_sources(patient: Patient) -> Iterator[Finding]:
    """Somebody must send events, and with a secret."""
    sources = patient.loaded.settings.sources
    if not sources:
        yield Finding(
            Level.WARNING,
            "no source is configured: no event can arrive",
            "set a webhook secret, e.g. CLERK_WEBHOOK_SIGNING_SECRET, or add [sources.NAME] to the config file",
        )
    queued = {queue.source for queue in patient.loaded.settings.queues.values()}
    for name, source in sources.items():
        yield _check_source(name, source, queued=name in queued)


def _check_source(name: str, source: SourceSettings, *, queued: bool) -> Finding:
    ways = {"webhook": source.can_receive, "queue": queued, "API": source.api_key is not None}
    there = [way for way, is_there in ways.items() if is_there]
    if not there:
        return Finding(
            Level.ERROR,
            f"{name}: neither a webhook secret nor an API key: it does nothing",
            f"set sources.{name}.webhook_secrets, or remove the source",
        )
    if there == ["API"]:
        return Finding(
            Level.WARNING,
            f"{name}: no webhook secret, so no endpoint; only backfill and catch-up work",
            f"set sources.{name}.webhook_secrets",
        )
    if "API" not in there and source.kind not in WITHOUT_API:
        return Finding(
            Level.WARNING,
            f"{name}: no API key: missed events cannot be caught up and ties cannot be settled",
            f"set sources.{name}.api_key or the vendor's variable",
        )
    return Finding(Level.OK, f"{name}: {' and '.join(there)}")


def check_policy(patient: Patient) -> Iterator[Finding]:
    """Rules that are well formed and probably not meant."""
    document, sources = patient.loaded.document, patient.loaded.settings.sources
    warnings = lint(read_policy(document), sources)
    for warning in warnings:
        where = f"{place(document, warning.path)}: {render_path(warning.path)}"
        yield Finding(Level.WARNING, f"{where}: {warning.message}", f"see {warning.code} in docs/policy.md")
    if not warnings:
        yield from fine("nothing doubtful")


def check_secret_key(patient: Patient) -> Iterator[Finding]:
    """Sealed secrets must be readable tomorrow and on the next machine."""
    settings = patient.loaded.settings
    if settings.secrets.keys:
        yield from fine(f"{len(settings.secrets.keys)} configured")
        return
    try:
        if not (settings.state_dir / "secret-key").exists():
            yield from fine("made in the state folder at first start")
        else:
            load_secret_keys(settings)
            yield from fine("kept in the state folder")
    except ConfigError as error:
        yield Finding(Level.ERROR, str(error), "see the message; a lost key makes sealed secrets unreadable")
    if settings.database_url.get_secret_value().startswith("postgres"):
        yield Finding(
            Level.WARNING,
            "the key is generated, but with PostgreSQL several machines may share the ledger",
            "set UNKEY_SYNC_SECRET_KEY to the same value everywhere (openssl rand -base64 32)",
        )


def check_state_dir(patient: Patient) -> Iterator[Finding]:
    """The state folder holds the ledger and the key: ours alone, and writable."""
    folder = patient.loaded.settings.state_dir
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        yield Finding(
            Level.ERROR,
            f"{folder} cannot be written",
            "correct its owner, or set UNKEY_SYNC_STATE_DIR to another folder",
        )
    elif folder.exists() and _others_may(folder, stat.S_IRWXO):
        yield Finding(Level.WARNING, f"{folder} is open to everybody", f"chmod 700 {folder}")
    else:
        yield from fine(str(folder))


def check_admin_token(patient: Patient) -> Iterator[Finding]:
    """A short token can be guessed."""
    token = patient.loaded.settings.web.admin_token
    if token is not None and len(token.get_secret_value()) < SHORTEST_TOKEN:
        yield Finding(
            Level.ERROR,
            f"the admin token has fewer than {SHORTEST_TOKEN} characters",
            "set UNKEY_SYNC_ADMIN_TOKEN to a long random text (openssl rand -hex 32)",
        )
    else:
        yield from fine("set" if token is not None else "not set: dashboard and admin API are off")


def check_combination(patient: Patient) -> Iterator[Finding]:
    """Settings that are each right and together wrong."""
    settings = patient.loaded.settings
    postgres = settings.database_url.get_secret_value().startswith("postgres")
    in_process = settings.broker.url.get_secret_value().startswith("memory")
    if postgres and in_process:
        yield Finding(
            Level.WARNING,
            "PostgreSQL with the in-process broker: separate workers hear of events only at the next sweep",
            "set UNKEY_SYNC_BROKER_URL to redis://... or amqp://...",
        )
    if not postgres and not in_process:
        yield Finding(
            Level.ERROR,
            "a broker for several processes, but the ledger is SQLite, which is for one process",
            "set UNKEY_SYNC_DATABASE_URL to postgresql://..., or remove the broker and run `unkey-sync dev`",
        )
    if settings.timings.sweep_interval_s > settings.timings.lease_s:
        yield Finding(
            Level.WARNING,
            "the sweep interval is longer than the lease: work of a dead worker waits for the sweep",
            "make UNKEY_SYNC_SWEEP_INTERVAL smaller than UNKEY_SYNC_LEASE",
        )


def holds_secrets(data: Any, name: str = "") -> bool:
    """Whether a secret is written into the file itself instead of being referred to."""
    if isinstance(data, dict):
        return any(holds_secrets(value, key) for key, value in data.items())
    if isinstance(data, list):
        return any(holds_secrets(item, name) for item in data)
    return name in SECRET_NAMES and isinstance(data, str) and not is_reference(data)


def _others_may(path: Path, bits: int) -> bool:
    return bool(path.stat().st_mode & bits)
