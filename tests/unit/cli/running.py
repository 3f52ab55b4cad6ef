"""Runs the command line in process: its own environment, streams and clock; the toy connectors; no network."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from unkey_sync.cli import main
from unkey_sync.cli.world import World
from unkey_sync.clock import FakeClock
from unkey_sync_connectors.base import ConfigProblem

from tests.unit.web.support import SECRET, Bell, Toy

if TYPE_CHECKING:
    from pathlib import Path

    from unkey_sync_connectors.base import Connector, SourceConfig

CONFIG = f"""\
[sources.toy]
kind = "toy"
webhook_secrets = ["{SECRET}"]

[sources.other]
kind = "toy"
webhook_secrets = ["another-long-secret"]

[sources.mute]
kind = "toy"
"""


class ToyRegistry:
    def create(self, config: SourceConfig) -> Connector:
        if any(secret.startswith("broken") for secret in config.secrets):
            raise ConfigProblem(f"sources.{config.name}: the secret has no valid form")
        return {"toy": Toy, "bell": Bell}[config.kind](config)

    def known_kinds(self) -> frozenset[str]:
        return frozenset({"toy", "bell"})


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class CommandLine:
    """`folder` is the home; the config file is in it."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    environment: dict[str, str] = field(default_factory=dict)
    transport: Any = None
    connectors: Any = ToyRegistry

    def write_config(self, text: str = CONFIG) -> Path:
        path = self.folder / "unkey-sync.toml"
        path.write_text(text, encoding="utf-8")
        self.environment["UNKEY_SYNC_CONFIG"] = str(path)
        return path

    def run(self, *arguments: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        world = World(
            environment=lambda: {"HOME": str(self.folder), **self.environment},
            out=out,
            err=err,
            clock=self.clock,
            connectors=self.connectors,
            transport=self.transport,
        )
        code = main(arguments, world)
        return Ran(code, out.getvalue(), err.getvalue())
