# Two commands matter: `make test` and `make demo`. Each installs what is missing first.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# The test kit, which also builds and runs the local control plane, is no installed package.
KIT := PYTHONPATH=tests:. $(BIN)/python

# Hashes and no addresses: the pins hold whatever mirror they are fetched from.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate

# ONCE=1 makes the demo end by itself, with exit status 0 only if every step went as told.
export ONCE

.PHONY: help test check lint demo crds bench simulate-table lock upgrade clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

test: lint ## Install what is missing, then run all tests
	$(KIT) -m support.go_tools
	$(BIN)/python -m pytest -n 2

check: lint ## Run lint, types, layers and the tests that need no cluster
	$(BIN)/python -m pytest -n 2 -m "not cluster"

lint: $(INSTALLED) ## Run lint, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

demo: $(INSTALLED) ## Run the main job against a real API server until Ctrl-C; ONCE=1: until the end
	$(KIT) -m support.go_tools controlplane
	exec env $(KIT) -m examples.demo

crds: $(INSTALLED) ## Generate crds/ and the chart's copy from the models
	$(BIN)/python -m sluice.cli.main crds --out crds

bench: $(INSTALLED) ## Measure what promises about cost come to here, into build/bench.json
	$(KIT) -m benchmarks

simulate-table: $(INSTALLED) ## Measure the rollout guard, 1,000 runs a row, into build/simulation.json
	$(KIT) -m support.guard_table

lock: $(INSTALLED) ## Pin what pyproject.toml asks for, keeping the pins that still fit
	$(BIN)/python -m pip install --disable-pip-version-check --quiet uv
	$(COMPILE) $(UPGRADE) --group dev pyproject.toml --output-file requirements-dev.txt
	$(COMPILE) --constraints requirements-dev.txt pyproject.toml --output-file requirements.txt

upgrade: ## Pin the newest versions that pyproject.toml allows
	$(MAKE) lock UPGRADE=--upgrade

clean: ## Remove what was installed and generated here, but not the cache of built programs
	rm -rf $(VENV) build .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(INSTALLED): requirements-dev.txt pyproject.toml scripts/bootstrap
	scripts/bootstrap
