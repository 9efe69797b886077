# What a developer and CI run; `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PYTEST := $(BIN)/python -m pytest -q
# The order in which workers are given their files: what takes long must not begin last.
LONGEST_FIRST := tests/e2e tests/conformance tests/unit tests/house

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check fmt lint types walls proto prices bench chaos e2e repairs pins clean

help: ## print the targets
	@grep -E '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(STAMP): requirements/dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "python3 (3.11 or newer) is needed" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "python3 must be 3.11 or newer" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing pinned packages into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

setup: $(STAMP) ## install everything that is pinned into .venv

demo: setup ## start the sandbox, run OpenAI usage and cost once, print the cost table
	@DATA_DIR=$${DATA_DIR:-.data/demo} $(BIN)/python -m sandbox demo --free-ports

run: setup ## keep the sandbox and the service serving on 8001 until Ctrl-C
	@$(BIN)/python -m sandbox run

test: setup ## run the test suite
	@$(PYTEST) -n 2 --max-worker-restart=0 --no-loadscope-reorder $(LONGEST_FIRST)

check: setup lint types walls ## lint, types, import walls, drift of generated files; starts nothing
	@$(BIN)/python -m tools.protos --check
	@$(BIN)/python -m tools.prices --check

fmt: setup ## format Python and protobuf
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix . && $(BIN)/buf format -w

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/hadolint Dockerfile && $(BIN)/shellcheck envoy/entrypoint.sh .ci/run

types: setup
	@$(BIN)/mypy server workers sandbox tools tests

walls: setup
	@$(BIN)/lint-imports --no-cache

proto: setup ## generate code and Envoy's descriptors from proto/
	@$(BIN)/python -m tools.protos

prices: setup ## generate the list prices from their pinned source
	@$(BIN)/python -m tools.prices

bench: setup ## measure, and print a table with its conditions (ONLY=name for a part)
	@echo '#include <nghttp2/nghttp2.h>' | cc -E - >/dev/null 2>&1 || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		echo "installing what the load tool is built with: gcc, libc6-dev, libnghttp2-dev" && \
		apt-get install -qq -y gcc libc6-dev libnghttp2-dev >/dev/null; } || true
	@$(BIN)/python -m tests.bench $(ONLY)

chaos: setup ## kill and break things, and print what became of each fault (SHORT=1 for less, SEED=N to repeat)
	@SHORT=$(SHORT) SEED=$(SEED) $(PYTEST) -s -o faulthandler_timeout=1500 tests/chaos

e2e: setup ## everything through the real Envoy
	@$(PYTEST) tests/e2e

repairs: setup ## prove each repair of the emulator against the emulator without it
	@$(PYTEST) tests/repairs

pins: setup ## pin dependencies anew, with hashes and without addresses
	@$(BIN)/pip-compile -q --extra sandbox --extra dev -o requirements/dev.txt pyproject.toml
	@$(BIN)/pip-compile -q -c requirements/dev.txt --extra image -o requirements/image.txt pyproject.toml

clean: ## remove what was installed and what the sandbox kept
	@rm -rf .venv .data
