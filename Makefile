# Every target runs in .venv; `make setup` makes it. `make check` is exactly what CI runs.
BIN := .venv/bin
PACKAGES := protocols/src firmware_profiles/src edge/src cloud/src simulators/src
JOBS ?= 2

.PHONY: setup check lint types imports test docs demo bench soak fmt lock clean

setup:
	tools/setup

check: lint types imports docs-check test

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types:
	$(BIN)/mypy $(PACKAGES) tests benchmarks tools

imports:
	$(BIN)/lint-imports

test:
	$(BIN)/pytest -n $(JOBS) --dist worksteal

docs:
	$(BIN)/python tools/docs.py

docs-check:
	$(BIN)/python tools/docs.py --check

demo:
	tools/demo

bench:
	$(BIN)/python -m benchmarks

soak:
	$(BIN)/python tools/soak.py

fmt:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:
	tools/lock
