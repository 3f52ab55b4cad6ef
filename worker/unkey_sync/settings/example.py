"""The text of config/example.env, made from the variables and the settings' own descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr

from unkey_sync.settings.model import Settings
from unkey_sync.settings.variables import CONFIG_VARIABLE, GENERAL, WEBHOOK_SECRETS, api_key_variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

    from unkey_sync.settings.variables import KeyPath

_HEAD = """\
# unkey-sync: every environment variable, with its default.
# Each one also as <NAME>_FILE: the path of a file that holds the value (mode 0600).
# Everything can be set in unkey-sync.toml, too; the environment wins.
# Made from the settings; do not edit by hand.
"""
_SOURCES = """
# Sources. A signing secret switches the source on (several separated by commas: rotation);
# an API key allows fetch, backfill and catch-up; <SOURCE>_API_BASE is an origin without a version path.
"""


def example_env() -> str:
    """The whole file."""
    return "".join([_HEAD, *_general(), _SOURCES, *_sources()])


def _general() -> Iterator[str]:
    yield "\n# Config file. Default: the first one found, see `unkey-sync config path`.\n"
    yield f"# {CONFIG_VARIABLE}=\n"
    for variable in GENERAL:
        field = _field(Settings, variable.path)
        yield f"\n# {field.description}\n# {variable.name}={_default(field)}\n"


def _sources() -> Iterator[str]:
    for kind, secret in WEBHOOK_SECRETS.items():
        yield f"\n# {secret}=\n# {api_key_variable(kind)}=\n# {kind.upper()}_API_BASE=\n"


def _field(model: type[BaseModel], path: KeyPath) -> FieldInfo:
    field = model.model_fields[path[0]]
    if len(path) == 1:
        return field
    inner: Any = field.annotation
    return _field(inner, path[1:])


def _default(field: FieldInfo) -> str:
    value = field.get_default()
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if field.is_required() or value is None or value == ():
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
