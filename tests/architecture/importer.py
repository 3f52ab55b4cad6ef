"""Imports the modules named on the command line and prints, as JSON, what importing them did beside defining things.

Runs in an interpreter of its own. Reading the environment counts when one of our modules does it; a library that
reads its own switches is not our doing. Sockets and threads count whoever makes them.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

MAPPING = ("os", "_collections_abc", "collections.abc")
findings: list[str] = []


def who_reads(frame: FrameType | None) -> str:
    """The module that looks into the environment, seen through `os` and the mapping it is made of."""
    while frame is not None and frame.f_globals["__name__"] in MAPPING:
        frame = frame.f_back
    return str(frame.f_globals["__name__"]) if frame is not None else ""


def watch_environment(roots: list[str]) -> None:
    class Watched(os._Environ):  # type: ignore[type-arg]
        def __getitem__(self, name: Any) -> Any:
            module = who_reads(sys._getframe(1))
            if module.split(".")[0] in roots:
                findings.append(f"{module} reads {name} from the environment")
            return super().__getitem__(name)

    os.environ.__class__ = Watched


def watch_sockets() -> None:
    def hook(event: str, _arguments: tuple[Any, ...]) -> None:
        if event == "socket.__new__":
            findings.append("a socket is opened")

    sys.addaudithook(hook)


def import_all(modules: list[str]) -> None:
    watch_environment(sorted({module.split(".")[0] for module in modules}))
    watch_sockets()
    for module in modules:
        seen = len(findings)
        try:
            importlib.import_module(module)
        except ImportError as error:
            findings.append(f"cannot be imported: {error}")
        if threading.active_count() > 1:
            findings.append("a thread is running")
        findings[seen:] = [f"{module}: {finding}" for finding in findings[seen:]]
        if threading.active_count() > 1:
            break


if __name__ == "__main__":
    import_all(sys.argv[1:])
    print(json.dumps(findings))
