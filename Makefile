PYTHON ?= python3
BIN := .venv/bin
BASE := .venv/.base
READY := .venv/.ready
OLD := picfuse needs Python 3.11 or newer, and '$(PYTHON)' is none; name another: PYTHON=python3.12 make
BARE := '$(PYTHON)' has no venv module; on Debian: apt-get install python3-venv
unexport PYTHONDONTWRITEBYTECODE  # or every process compiles torch anew, in ten seconds
.PHONY: help demo test check docs bench
help:  ## Print what make can do
	@sed -n 's/^\([a-z]*\):.*## /make \1: /p' Makefile
demo: $(BASE)  ## Search the sample photographs; the first time installs into .venv (a minute, 0.8 GB)
	@$(BIN)/picfuse demo --library .demo
	@echo "('. $(BIN)/activate' lets this shell find picfuse)"
test: $(READY)  ## Run every test, offline; the first time installs all extras (minutes, 7 GB)
	$(BIN)/pytest -rs -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
check: $(READY)  ## Look at style, formatting, types and the environment
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/mypy benchmarks && $(BIN)/hadolint Dockerfile && $(BIN)/pip check
docs: $(READY)  ## Write docs/cli.md anew from what --help prints
	$(BIN)/python docs/make_cli.py > .venv/cli.md && mv .venv/cli.md docs/cli.md
bench: $(READY)  ## Run the short form of every benchmark, in 5 to 30 minutes
	$(BIN)/python benchmarks/short.py
$(BASE): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "$(OLD)"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(BARE)"; exit 1; } >&2
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --no-compile --editable . && touch $@
$(READY): $(BASE)
	$(BIN)/python -m pip install --no-compile --editable '.[dev]' && touch $@
