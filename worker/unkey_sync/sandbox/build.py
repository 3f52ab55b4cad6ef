"""Puts a sandbox together from its seed, its clock and its state file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.sandbox.app import App
from unkey_sync.sandbox.clock import VirtualClock
from unkey_sync.sandbox.persist import StateFile
from unkey_sync.sandbox.seed import Seed, plant
from unkey_sync.sandbox.state import State
from unkey_sync.sandbox.world import Beginning, World

if TYPE_CHECKING:
    from pathlib import Path

    from unkey_sync.clock import Clock


def create_app(seed: Seed, clock: Clock, state_file: Path | None = None) -> App:
    """An ASGI application. With a state file it goes on where the last one stopped. Raises `ConfigError`."""
    store = StateFile(state_file) if state_file else None
    state = store.load() if store else State()
    beginning = Beginning(plant(state, seed), seed.modes)
    world = World(VirtualClock(clock), state, store, beginning)
    world.plant()
    return App(world)
