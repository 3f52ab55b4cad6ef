"""The TOML file: where it is looked for, and the seam to the policy half of the same file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from unkey_sync.configfile import Document, load_document
from unkey_sync.errors import ConfigError
from unkey_sync.policy import read_policy
from unkey_sync.settings.problems import Problem
from unkey_sync.settings.variables import CONFIG_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.tomllines import KeyPath

FILE_NAME: Final = "unkey-sync.toml"


def find_file(explicit: Path | None, environment: Mapping[str, str]) -> Path | None:
    """The file to read: first found wins, nothing is merged.

    Raises `ConfigError` when a named one is missing.
    """
    named = explicit or (Path(text) if (text := environment.get(CONFIG_VARIABLE, "").strip()) else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError(f"{named}: no such file. Correct --config or {CONFIG_VARIABLE}.")
        return named
    return next((path for path in search_path(environment) if path.is_file()), None)


def search_path(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where a file is looked for when none is named, in order."""
    home = Path(environment.get("HOME", "/"))
    user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return Path(FILE_NAME), user / "unkey-sync" / FILE_NAME, Path("/etc/unkey-sync") / FILE_NAME


def read_document(path: Path | None) -> Document:
    """Parse the file; an empty document without one. Raises `ConfigError` naming file and line."""
    return load_document(path) if path is not None else Document("", {})


def place(document: Document, path: KeyPath) -> str:
    """`file:line` of a key, for people; empty without a file."""
    return f"{document.path}:{document.line_of(path)}" if document.path else ""


def check_policy(document: Document) -> list[Problem]:
    """What is wrong with the policy half of the file."""
    try:
        read_policy(document)
    except ConfigError as error:
        return [Problem("", "", line) for line in str(error).splitlines()]
    return []
