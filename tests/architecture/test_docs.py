"""The pages tell the truth as far as a machine can see: links, commands, settings, configuration examples."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest
from unkey_sync.celery_app import celery_config, transport_options
from unkey_sync.externalid import encode
from unkey_sync.settings.variables import ALL, CONFIG_VARIABLE

from tests.architecture.tree import ROOT, files, read

PAGES = [path for path in files() if path.endswith(".md")]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"\bUNKEY_SYNC_[A-Z_]+[A-Z]\b")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
COMMAND = re.compile(r"\bunkey-sync ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)")
TABLE_OF_COMMANDS = "unkey_sync.cli.commands"
COMMANDS_PAGE = "docs/commands.md"


class Fence(NamedTuple):
    """A block of code. `line`: where it begins."""

    page: str
    line: int
    language: str
    text: str


def fences(page: str) -> list[Fence]:
    text = read(page)
    return [Fence(page, text[: one.start()].count("\n") + 1, one[1], one[2]) for one in FENCE.finditer(text)]


def prose(page: str) -> str:
    return FENCE.sub("", read(page))


def anchors(page: str) -> set[str]:
    """What headings are called in links, GitHub's way."""
    titles = [re.sub(r"[^\w\- ]", "", title.lower()).strip() for title in HEADING.findall(prose(page))]
    return {title.replace(" ", "-") for title in titles}


def is_broken(page: str, link: str) -> bool:
    target, _, anchor = link.partition("#")
    path = (ROOT / PurePosixPath(page).parent / target).resolve() if target else ROOT / page
    if not path.exists() or not path.is_relative_to(ROOT):
        return True
    relative = path.relative_to(ROOT).as_posix()
    return bool(anchor) and relative.endswith(".md") and anchor not in anchors(relative)


def known_commands() -> set[str]:
    """The first words that `unkey-sync --help` lists."""
    return set(importlib.import_module(TABLE_OF_COMMANDS).COMMANDS)


def shown_commands(page: str) -> set[str]:
    """The first words of the commands in a page's code: fences and inline."""
    inline = "\n".join(re.findall(r"`([^`\n]+)`", prose(page)))
    code = "\n".join(fence.text for fence in fences(page) if fence.language in ("sh", "console", ""))
    return {found.split()[0] for found in COMMAND.findall(f"{inline}\n{code}")}


def settings_of_tests_and_deployment() -> set[str]:
    texts = [read(path) for path in files() if path.startswith(("tests/", "deploy/"))]
    return {name for text in texts for name in re.findall(r"UNKEY_SYNC_(?:TEST_[A-Z_]+|IMAGE_TAG)\b", text)}


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    links = [link for link in LINK.findall(prose(page)) if not re.match(r"[a-z]+:", link)]

    assert [link for link in links if is_broken(page, link)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_toml_example_parses(page: str) -> None:
    for fence in fences(page):
        if fence.language == "toml":
            tomllib.loads(fence.text)


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_in_the_pages_exists(page: str) -> None:
    known = {variable.name for variable in ALL} | {CONFIG_VARIABLE} | settings_of_tests_and_deployment()
    named = {name.removesuffix("_FILE") for name in VARIABLE.findall(read(page))}

    assert named - known == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_the_pages_exists(page: str) -> None:
    assert shown_commands(page) - known_commands() == set()


def test_every_command_is_documented() -> None:
    sections = {title.split()[0] for title in HEADING.findall(prose(COMMANDS_PAGE))}
    documented = sections | shown_commands(COMMANDS_PAGE)

    assert known_commands() - documented == set()


def test_every_page_is_within_reach_of_the_index() -> None:
    linked = {PurePosixPath("docs", link).as_posix() for link in LINK.findall(prose("docs/index.md"))}
    pages = {page for page in PAGES if Path(page).parent == Path("docs") and page != "docs/index.md"}

    assert pages - linked == set()


def test_every_celery_setting_is_given_its_reason() -> None:
    ours = {*celery_config("redis://"), *transport_options("redis://"), *transport_options("memory://")} - {
        "broker_url"
    }
    explained = set(re.findall(r"`(\w+)", read("docs/operations.md")))

    assert ours - explained == set()


def test_the_readme_encodes_external_ids_as_the_program_does() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", read("README.md"), re.MULTILINE)
    examples = {subject.replace("\\|", "|"): encoded for subject, encoded in rows}

    assert len(examples) == 5
    assert {subject: encode(subject) for subject in examples} == examples


def test_a_broken_link_and_a_strange_anchor_are_seen() -> None:
    page = "docs/index.md"

    assert is_broken(page, "no-such-page.md")
    assert is_broken(page, "../../outside.md")
    assert is_broken(page, "architecture.md#no-such-heading")
    assert not is_broken(page, "../README.md")
