# Two commands on a fresh machine: `make run` and `make test`. Each does everything it needs, and little the second time.

VENV := .venv
INSTALLED := $(VENV)/.installed
COMPILED := $(VENV)/.compiled
COMPILE_INPUTS := $(shell find gateware sim -name '*.py' -o -name '*.cc' -o -name '*.h' 2>/dev/null)

# What system packages are for: run (the window), setup (that and the tests), test (the same, and nothing may be missing).
NEED := setup
export PYTHON VENV

.PHONY: help setup run test lint soak waves screenshots bitstreams clean system
.DEFAULT_GOAL := help

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: $(COMPILED)  ## install everything into .venv and compile the emulator

run: NEED := run
run: $(COMPILED)  ## the live window (arguments: make run ARGS="capture --json")
	@$(VENV)/bin/trelscope $(ARGS)

test: NEED := test
test: $(COMPILED) lint  ## lint, types and every test
	@QT_QPA_PLATFORM=offscreen $(VENV)/bin/pytest -n auto --maxprocesses 8 --dist loadgroup $(ARGS)

lint: $(INSTALLED)  ## style, types, and which room may import which
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo --no-cache

soak: NEED := test
soak: $(COMPILED)  ## the tests that run for a long time; an hour of faults takes TRELSCOPE_SOAK seconds
	@QT_QPA_PLATFORM=offscreen TRELSCOPE_PROVE_ANEW=1 $(VENV)/bin/pytest -m soak $(ARGS)

waves: NEED := test
waves: $(INSTALLED) | system  ## a waveform of the gateware in a closed loop, with a saved view, in build/waves
	@$(VENV)/bin/python -m tests.cocotb.waves build/waves

screenshots: $(COMPILED)  ## the pictures in the docs, from the running app
	@$(VENV)/bin/python tools/screenshot.py

bitstreams: $(INSTALLED)  ## every board's bitstream, and the table in docs/bitstreams.md
	@$(VENV)/bin/python -m tools.bitstreams

clean:  ## remove .venv and everything that was built or cached here
	rm -rf $(VENV) build dist sim_build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml constraints.txt tools/python_env.sh
	@tools/python_env.sh
	@touch $@

# Looked at every time (it takes milliseconds): a library can go, and a display can come.
system: $(INSTALLED)
	@tools/system_packages.sh $(NEED)

$(COMPILED): $(INSTALLED) $(COMPILE_INPUTS) | system
	@$(VENV)/bin/python -m trelscope.sim.compiler.build
	@touch $@
