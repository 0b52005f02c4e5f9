# Needs Python 3.11, pip and make. Windows without make: see README.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: setup demo test test-trust check bench dev lock clean

setup: $(INSTALLED)

$(INSTALLED): requirements.lock requirements-setup.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-setup.lock
	$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	$(BIN)/sammenhold demo

test: setup check
	$(BIN)/python -m pytest -n 2

test-trust: setup  # nothing lost, nobody let in: docs/security.md says what each test promises
# One thread each: two workers, and the runs that they start, share two processors. Hundreds of short runs are started.
	@$(BIN)/python -m compileall -q pipelines tests/trust
	POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m trust tests/trust

check: setup
	$(BIN)/ruff check .
	$(BIN)/lint-imports

bench: setup  # PERSONS=6000000 is the national year, COURSES=10000000 the largest reconciliation, ROWS=2000000 the rules
	$(BIN)/python -m benchmarks.derive --folder workspace/benchmarks --persons $(or $(PERSONS),60000)
	$(BIN)/python -m benchmarks.reconcile --sizes $(or $(COURSES),200000)
	$(BIN)/python -m benchmarks.rules --data workspace/benchmarks --rows $(or $(ROWS),200000)

dev: setup
	$(BIN)/sammenhold dev

lock:  # renew the locked versions; the lock must name no registry address
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --all-extras pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) workspace
