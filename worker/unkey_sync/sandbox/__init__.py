"""An emulator of Unkey's v2 API: as strict, racy and laggy as the original, with faults on request.

Public: `create_app` (ASGI), `run` (a process), `SandboxOptions`, `Seed`, `read_seed`.
"""

from unkey_sync.sandbox.build import create_app
from unkey_sync.sandbox.seed import Seed, read_seed
from unkey_sync.sandbox.server import SandboxOptions, run

__all__ = ["SandboxOptions", "Seed", "create_app", "read_seed", "run"]
