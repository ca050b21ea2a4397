# Every target makes its own .venv on first use. Choose another Python with: make PYTHON=python3.12 …
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TRACKER ?= rally
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow walk check lint types docs bench

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/installed-simulate  ## mirror a simulated Rally and ask it in SQL, in a minute; TRACKER=all: every tracker
	@$(BIN)/mirror demo --tracker $(TRACKER)

test: $(VENV)/installed-test  ## run the tests
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/installed-test  ## run the longer random walks and crash tests
	$(PYTEST) -m slow

walk: $(VENV)/installed-test  ## walk ten thousand random steps over the commit queue of each tracker
	$(PYTEST) -m walk

check: lint types $(VENV)/installed-check  ## all that a change must pass: lint, types, tests
	$(PYTEST) -m "not slow"

lint: $(VENV)/installed-check  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-check  ## mypy, strict
	$(BIN)/mypy

docs: $(VENV)/installed-test  ## write docs/cli.md and the printed answers of the SQL recipes anew
	$(BIN)/python docs/generate.py

bench: $(VENV)/installed-bench  ## measure against the floor and other tools, as ratios
	$(BIN)/python -m benchmarks

# One stamp per extra of pyproject.toml; a changed pyproject.toml installs again.
$(VENV)/installed-%: pyproject.toml | $(BIN)/python
	@echo "installing mirror and what '$*' needs into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "mirror needs Python 3.11 or newer; on Debian: sudo apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "mirror needs Python 3.11 or newer, this is $$($(PYTHON) --version); name another: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "this Python cannot make virtual environments; on Debian: sudo apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
