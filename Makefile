# `make demo` and `make test` do all the set-up themselves (see setup.sh); PYTHON=... chooses the interpreter.
PY := .venv/bin/python
OSDI_TESTS := tests/acceptance/test_ihp_sg13g2.py
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN)

.PHONY: help setup demo test lint acceptance ngspice-osdi bench lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo        set up, then run the whole chain into results/demo"
	@echo "make test        set up, then run the tests"
	@echo "make lint        check style and imports of the code"
	@echo "make acceptance  the long checks"
	@echo "make ngspice-osdi  an ngspice that loads Verilog-A models, unpacked beside the installed one"
	@echo "make bench       the benchmarks against peers"
	@echo "make clean       remove .venv, caches and build products; results stay"

setup:
	@bash setup.sh

demo: setup
	$(PY) -m pimchar run --out results/demo --workers $(WORKERS)

test: setup
	$(PY) -m pytest -n $(WORKERS) --dist loadscope

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

# Compiled Verilog-A models need an ngspice with OSDI, all other checks the installed one.
acceptance: setup
	$(PY) -m pip install -q --disable-pip-version-check --no-build-isolation -e '.[vacask]'
	$(PY) -m pytest -m acceptance --ignore $(OSDI_TESTS)
	library=$$(bash ngspice-osdi.sh) && NGSPICE_LIBRARY_PATH="$$library" $(PY) -m pytest -m acceptance $(OSDI_TESTS)

ngspice-osdi:
	@library=$$(bash ngspice-osdi.sh) && echo "export NGSPICE_LIBRARY_PATH='$$library'"

bench: setup
	$(PY) -m bench

# Renews the pins (needs uv): every direct dependency of pyproject.toml, one version for all supported Pythons.
lock:
	uv pip compile -q --upgrade --universal --python-version 3.11 --fork-strategy fewest --extra dev \
	    --generate-hashes --no-emit-index-url --no-annotate --no-emit-package colorama \
	    --custom-compile-command 'make lock' pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .consumers .ngspice-osdi* .pytest_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
