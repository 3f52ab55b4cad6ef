"""`python -m unkey_sync.sandbox`: the sandbox alone, for work on the sandbox itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from unkey_sync.sandbox.server import SandboxOptions, run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m unkey_sync.sandbox")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=Path)
    parser.add_argument("--state", type=Path)
    options = parser.parse_args()
    run(SandboxOptions(host=options.host, port=options.port, seed=options.seed, state=options.state))


if __name__ == "__main__":
    main()
