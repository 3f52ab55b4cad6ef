"""The command line in a folder of its own."""

from __future__ import annotations

import sys

import pytest

from tests.unit.cli.running import CommandLine


@pytest.fixture
def cli(tmp_path):
    hook = sys.excepthook
    yield CommandLine(tmp_path)
    sys.excepthook = hook
