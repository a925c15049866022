# make demo and make test are all that a fresh machine needs, besides Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
export HOLDFAST_DATA

.PHONY: demo test lint types imports check reports clean

demo: .venv/ready          ## simulate a shop, run its three experiments, print estimates beside the true effects
	$(BIN)/holdfast demo

test: .venv/ready          ## run the tests
	$(BIN)/pytest -n 2

lint: .venv/ready          ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready         ## strict types
	$(BIN)/mypy

imports: .venv/ready       ## the layers of docs/architecture.md
	$(BIN)/lint-imports

check: lint types imports test

reports: .venv/ready       ## the example reports, from the real experiments in the folder HOLDFAST_DATA
	$(BIN)/holdfast analyze --all

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Holdfast needs Python 3.11 or newer; name one with: make PYTHON=python3.12 demo"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv demo
