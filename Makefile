# Two commands do everything: `make demo` and `make test`. Both set up .venv first, and only when something changed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

.PHONY: demo test lint clean

demo: $(VENV)/.installed-demo  ## recommend, train the recommendation for real, compare, plot
	@$(BIN)/python examples/demo.py

test: $(VENV)/.installed-test  ## the whole test suite
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/python -m pytest -q -n 2 --dist loadscope

lint: $(VENV)/.installed-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "error: Python 3.10 or newer is needed; choose one with: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "setting up .venv (once, a few minutes) …" >&2
	@$(PIP) --editable '.[collect]'
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	@echo "setting up .venv for the tests (once, a few minutes) …" >&2
	@$(PIP) --editable '.[collect,space,ray,dev]'
	@touch $@ $(VENV)/.installed-demo

clean:
	rm -rf $(VENV) demo dist build
