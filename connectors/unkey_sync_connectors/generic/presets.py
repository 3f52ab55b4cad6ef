"""Presets: how a vendor signs and what its events mean, as TOML files beside this module, with samples.

A preset is data in the same form as the user's own tables; this only finds and reads it.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync_connectors.generic.options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable


def known_presets() -> tuple[str, ...]:
    """Names that a configuration can use, sorted."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.is_file()))


def load_preset(options: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of the preset that these options name; empty without one. Raises ConfigProblem."""
    if "preset" not in options:
        return {}
    name = Options(options).choice("preset", known_presets())
    preset = tomllib.loads((_folder() / f"{name}.toml").read_text(encoding="utf-8"))
    del preset["description"]
    return preset


def load_samples(preset: str) -> Mapping[str, Mapping[str, Any]]:
    """Event type -> payload, as the vendor documents it, about made-up people; empty for no preset."""
    folder = _folder() / preset
    if not preset or not folder.is_dir():
        return {}
    found = sorted(folder.iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".json"): orjson.loads(file.read_bytes()) for file in found}


def _folder() -> Traversable:
    return files(__package__) / "presets"
