.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
STAMP := $(VENV)/.ready

.PHONY: help setup demo dev test check bench soak

help:   ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP)   ## make .venv with the locked dependencies

# pip installs uv, uv installs exactly what uv.lock says.
$(STAMP): pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --quiet --locked --inexact --python $(BIN)/python
	@touch $@

demo: $(STAMP)   ## a story of webhooks, told step by step, on the embedded default
	@$(BIN)/unkey-sync demo

dev: $(STAMP)   ## the whole service in one process, with a sandbox instead of Unkey
	@$(BIN)/unkey-sync dev

test: $(STAMP)   ## the whole test suite, against real servers
	@tests/run

check: $(STAMP)   ## what CI runs: lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(MAKE) --no-print-directory test

bench: $(STAMP)   ## figures, each beside a bare loop of the same run
	@$(BIN)/python -m tests.bench

soak: $(STAMP)   ## long runs: 20,000 random histories, every crash point
	@UNKEY_SYNC_TEST_PROFILE=soak $(BIN)/pytest -q --timeout 14400 tests
