"""The command line: parse, call, exit code. Each command is a module, imported when it runs."""

from unkey_sync.cli.main import main

__all__ = ["main"]
