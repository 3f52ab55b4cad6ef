"""Keys for secrets at rest: the configured ones, or one made once in the state folder (0600, race-safe)."""

from __future__ import annotations

import base64
import os
import secrets
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from unkey_sync.errors import ConfigError
from unkey_sync.settings.model import SECRET_KEY_BYTES, decode_secret_key

if TYPE_CHECKING:
    from unkey_sync.settings.model import Settings

FILE_NAME: Final = "secret-key"


def load_secret_keys(settings: Settings) -> tuple[bytes, ...]:
    """32 bytes each; the first encrypts, all decrypt. Makes a key when none is configured.

    Raises `ConfigError` when the generated file is unreadable, damaged or open to others.
    """
    if settings.secrets.keys:
        return tuple(decode_secret_key(key.get_secret_value()) for key in settings.secrets.keys)
    path = settings.state_dir / FILE_NAME
    try:
        if not path.exists():
            _create(path)
        return (_read(path),)
    except OSError as error:
        remedy = "Make the folder writable or set UNKEY_SYNC_SECRET_KEY."
        raise ConfigError(f"{path}: cannot keep the secret key: {error.strerror}. {remedy}") from error


def make_state_dir(path: Path) -> None:
    """Create the folder for us alone; an existing one is left as it is. Raises `OSError`."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _create(path: Path) -> None:
    """Written aside and linked into place: whoever comes second finds a whole key and keeps it."""
    make_state_dir(path.parent)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE_NAME}-")  # 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(SECRET_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()


def _read(path: Path) -> bytes:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{path}: others may read the secret key. Run: chmod 600 {path}")
    try:
        return decode_secret_key(path.read_text(encoding="ascii").strip())
    except ValueError as error:
        raise ConfigError(
            f"{path}: {error}. Restore the file from a backup; deleting it makes sealed secrets unreadable."
        ) from None
