# Every target makes .venv itself from requirements.lock; PYTHON chooses the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
SINCE ?=
# Version of the server that tests run on, 18 is the embedded one; and processes that test at once:
# one more than two cores, since some tests wait.
PG ?= 18
JOBS ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo check test mutants wheel-demo lint format docs lock bench clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 20

# The lock file holds hashes of every package; setuptools comes with it, so nothing else is fetched.
$(VENV)/.packages: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'pgdrip needs Python 3.11 or newer; name one: make PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo 'Python cannot make virtual environments here: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes -r requirements.lock
	@touch $@

$(STAMP): $(VENV)/.packages pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --no-deps --no-build-isolation --no-index -e .
	@touch $@

demo: $(STAMP) ## Send a sequence and a campaign through a simulated gateway
	$(BIN)/pgdrip demo $(ARGS)

check: $(STAMP) ## Lint, and run the tests that a change touches; against another revision: SINCE=v0.1.0
	@$(MAKE) --no-print-directory lint
	$(BIN)/python tests/changed.py $(SINCE) | xargs $(BIN)/python -m pytest --postgres=$(PG) -n $(JOBS) --dist worksteal $(ARGS)

test: $(STAMP) ## Run the tests; a few: ARGS='-k claim'; on Debian's 15, a sample: PG=15, all: PG=15 ARGS=--each=1
	$(BIN)/python -m pytest --postgres=$(PG) -n $(JOBS) --dist worksteal $(ARGS)

mutants: $(STAMP) ## Remove each rule of the lessons: exactly its tests must fail; ARGS=--quick
	$(BIN)/python tests/mutants.py $(ARGS)

wheel-demo: $(STAMP) ## Build a wheel, install it, run its demo from an empty folder
	$(BIN)/python -m pytest -m slow tests/packaging $(ARGS)

lint: $(STAMP) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --disable-progress-bar db/functions db/views
	$(BIN)/python -m pytest -q tests/contract/test_files.py

format: $(STAMP) ## Write Python files the way lint wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP) ## Write docs/sql-api.md, views.md and events.md from comments and models
	$(BIN)/python -m pgdrip.cli.docs docs

bench: $(STAMP) ## Measure; ARGS goes to the benchmark
	$(BIN)/python -m bench $(ARGS)

lock: ## Renew requirements.lock (needs uv); names no package index
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade \
	  --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command 'make lock' --quiet -o requirements.lock

clean: ## Remove .venv and what builds left behind; data in .pgdrip stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
