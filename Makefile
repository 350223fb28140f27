# The two commands of the README, and the tools behind them. Needs Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= $(or $(MOCKAI_PORT),4010)

# Compiled modules are kept, whatever the caller's environment says: hundreds of processes start here.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: serve test check format bench mutants roundtrip clean

serve: $(VENV)/.serve
	exec $(BIN)/mockai serve --port $(PORT)

test: check
	$(BIN)/python -m pytest -q -rs -n auto --dist worksteal

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench

mutants: $(VENV)/.dev
	$(BIN)/python -m tests.mutants

roundtrip: $(VENV)/.dev
	$(BIN)/python -m tests.roundtrip

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mockai needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serve: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[dev]'
	touch $@ $(VENV)/.serve
