"""The TOML file: where it is looked for, and its seam to the policy half of the same file.

This module is the only one that reads the file; settings and policy both work on its `Document`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from unkey_sync.errors import ConfigError
from unkey_sync.settings.variables import CONFIG_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.settings.variables import KeyPath

FILE_NAME: Final = "unkey-sync.toml"
POLICY_SECTIONS: Final = frozenset(
    {"subjects", "plans", "roles", "role_mapping", "keys", "lifecycle", "guard"}
)
"""Top-level tables that belong to the policy; settings leave them alone."""

_HEADER = re.compile(r"^\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+?)\s*=")


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file. `data` may hold secrets and stays out of reprs."""

    data: dict[str, Any] = field(default_factory=dict, repr=False)
    path: Path | None = None
    lines: Mapping[KeyPath, int] = field(default_factory=dict, repr=False)

    def line_of(self, path: KeyPath) -> int | None:
        """Line of a key, else of the nearest table around it."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None


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
    if path is None:
        return Document()
    try:
        text = path.read_text(encoding="utf-8")
        return Document(tomllib.loads(text), path, index_lines(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}. Correct that line.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8. Save it as UTF-8.") from None


def index_lines(text: str) -> dict[KeyPath, int]:
    """Line numbers of tables and keys. Good enough for messages: it does not follow multi-line values."""
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _split(header[1])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault(table + _split(key[1]), number)
    return found


def _split(dotted: str) -> KeyPath:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
