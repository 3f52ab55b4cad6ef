"""The numeric bars of CONTRIBUTING.md that no linter knows."""

from __future__ import annotations

import ast
from statistics import median, quantiles

import pytest

from tests.architecture.tree import Source, body_lines, functions, sources

PRODUCT = ("worker/", "connectors/")
EVERYTHING = (*PRODUCT, "tests/")
OWN = ("unkey_sync", "unkey_sync_connectors")
LAZY = "worker/unkey_sync/cli/"
"""A command imports what it needs when it runs, so that `--help` stays fast."""


def percentile_90(values: list[int]) -> float:
    return quantiles(values, n=10)[-1]


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def hidden_own_imports(source: Source) -> list[str]:
    return [
        f"{source.path}:{node.lineno} {name}"
        for function in functions(source.tree)
        for node in ast.walk(function)
        if isinstance(node, ast.stmt)
        for name in imported(node)
        if name.split(".")[0] in OWN
    ]


def global_statements(source: Source) -> list[str]:
    return [f"{source.path}:{node.lineno}" for node in ast.walk(source.tree) if isinstance(node, ast.Global)]


@pytest.fixture(scope="module")
def product() -> list[Source]:
    return sources(*PRODUCT)


def test_most_functions_of_the_product_are_short(product: list[Source]) -> None:
    sizes = [body_lines(function) for source in product for function in functions(source.tree)]

    assert median(sizes) <= 8
    assert percentile_90(sizes) <= 25


def test_no_function_is_longer_than_forty_lines() -> None:
    long = [
        f"{source.path}:{function.lineno} {function.name} has {body_lines(function)} lines"
        for source in sources(*EVERYTHING)
        for function in functions(source.tree)
        if body_lines(function) > 40
    ]

    assert long == []


def test_most_files_of_the_product_are_short(product: list[Source]) -> None:
    sizes = [len(source.text.splitlines()) for source in product]

    assert median(sizes) <= 150
    assert percentile_90(sizes) <= 300


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    sizes = {source.path: len(source.text.splitlines()) for source in sources(*EVERYTHING)}

    assert {path: size for path, size in sizes.items() if size > 400} == {}


def test_only_commands_import_our_own_modules_inside_functions(product: list[Source]) -> None:
    eager = [source for source in product if not source.path.startswith(LAZY)]

    assert [found for source in eager for found in hidden_own_imports(source)] == []


def test_nothing_rebinds_a_global() -> None:
    assert [found for source in sources(*EVERYTHING) for found in global_statements(source)] == []


def test_the_measure_leaves_the_docstring_out_and_sees_what_is_hidden() -> None:
    text = (
        "def f() -> None:\n"
        "    '''Says\n    much.'''\n"
        "    global x\n"
        "    from unkey_sync.clock import Clock\n"
        "    x = Clock\n"
    )
    sinner = Source("sinner.py", text)

    sizes = [body_lines(function) for function in functions(sinner.tree)]

    assert sizes == [3]
    assert global_statements(sinner) == ["sinner.py:4"]
    assert hidden_own_imports(sinner) == ["sinner.py:5 unkey_sync.clock"]
