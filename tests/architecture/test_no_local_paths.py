"""No tracked file knows the machine it was written on, or where its packages came from."""

from __future__ import annotations

import re

import pytest

from tests.architecture.tree import files, read

BINARY = (".png", ".ico", ".woff2", ".gz", ".whl")
LOCK = "uv.lock"

LOCAL_PATH = re.compile(r"(?<![\w.}/-])/(?:home/(?!nobody\b)|Users/|root/|work/|tmp/prompts|opt/pypi)")
REGISTRY = re.compile(
    r"(?:\bpypi\.org|pythonhosted\.org|registry\.npmjs|\bghcr\.io|\bquay\.io|proxy\.golang)"
    r"|--(?:extra-)?[i]ndex-url|--[f]ind-links|^\s*index-url\s*="
)


def matches(pattern: re.Pattern[str], path: str) -> list[str]:
    lines = read(path).splitlines()
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for number, line in enumerate(lines, 1)
        if pattern.search(line)
    ]


def text_files() -> list[str]:
    return [path for path in files() if not path.endswith(BINARY)]


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert [match for path in text_files() for match in matches(LOCAL_PATH, path)] == []


def test_only_the_lock_names_a_package_registry() -> None:
    others = [path for path in text_files() if path != LOCK]

    assert [match for path in others for match in matches(REGISTRY, path)] == []


@pytest.mark.parametrize("folder", ["home/ada", "Users/ada", "work/main", "root/.cache"])
def test_a_local_path_is_recognised(folder: str) -> None:
    assert LOCAL_PATH.search(f"see /{folder}/notes.md")


@pytest.mark.parametrize(
    "harmless",
    [
        "docs/work/x",
        "/home/nobody/.config",
        "sqlite:///path",
        "https://x.test/root/y",
        "/etc/unkey-sync/",
    ],
)
def test_a_path_that_belongs_to_nobody_is_left_alone(harmless: str) -> None:
    assert not LOCAL_PATH.search(harmless)
