"""Values that live elsewhere: `env:NAME`, `file:/path`, the `<NAME>_FILE` twin of every variable.

A secret file that everybody can read is refused, except where container runtimes and systemd mount them.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MANAGED_MOUNTS: Final = (Path("/run/secrets"), Path("/var/run/secrets"), Path("/run/credentials"))


class Unresolved(Exception):  # noqa: N818  -- named after the state
    """A reference that leads nowhere. The message says what to do and never holds the value."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value and where it was found."""

    value: str
    origin: str


def read_variable(name: str, environment: Mapping[str, str]) -> Found | None:
    """The variable, or the content of the file that its `_FILE` twin names; None when both are unset or
    empty.
    """
    if value := environment.get(name, "").strip():
        return Found(value, f"env {name}")
    if path := environment.get(f"{name}_FILE", "").strip():
        return Found(read_secret_file(Path(path)), f"file {path} (env {name}_FILE)")
    return None


def is_reference(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("env:", "file:"))


def resolve(reference: str, environment: Mapping[str, str]) -> Found:
    """Follow `env:NAME` or `file:/path`. Raises `Unresolved`."""
    scheme, _, target = reference.partition(":")
    if scheme == "file":
        return Found(read_secret_file(Path(target)), f"file {target}")
    found = read_variable(target, environment)
    if found is None:
        raise Unresolved(
            f"environment variable {target} is not set; set it, or {target}_FILE to the path of a file"
        )
    return found


def read_secret_file(path: Path) -> str:
    """The file's text without the line end.

    Raises `Unresolved` when it is missing, empty or open to everybody.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Unresolved(f"cannot read {path}: {error.strerror}; create it or correct the path") from error
    except UnicodeDecodeError:
        raise Unresolved(f"{path} is not UTF-8 text; store the secret as text") from None
    if mode & stat.S_IROTH and not _is_managed(path):
        raise Unresolved(f"{path} can be read by everybody; run: chmod 600 {path}")
    if not text:
        raise Unresolved(f"{path} is empty; write the secret into it")
    return text


def _is_managed(path: Path) -> bool:
    return any(path.is_relative_to(mount) for mount in MANAGED_MOUNTS)
