# `make` lists the targets. Everything runs from .venv, which is made when it is missing or stale.

PYTHON := .venv/bin/python
NODES ?= 3
PACKAGES := agent bench cli compose coordinator daemon mountd schemas tests

.PHONY: help up down lab lab-down venv check test test-long test-vm schemas clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## Start a cluster on this machine, with an example project in it
	@scripts/engine-deps can
	@scripts/bootstrap run
	@$(PYTHON) -m cli up

down: ## Stop what `make up` started and leave nothing behind
	@scripts/bootstrap run
	@$(PYTHON) -m cli down

lab: ## Start NODES=3 engines in network namespaces, and a cluster on them
	@scripts/bootstrap run
	@$(PYTHON) -m cli lab up --nodes $(NODES)

lab-down: ## Stop the lab
	@scripts/bootstrap run
	@$(PYTHON) -m cli lab down

venv: ## Make the environment for development
	@scripts/bootstrap dev

check: venv ## Format, lint, types, import rules, rules of CONTRIBUTING.md
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy --strict $(PACKAGES) scripts/reference.py
	.venv/bin/lint-imports
	$(PYTHON) -m pytest -q tests/architecture

test: venv ## Every test but the long ones; needs root for engines in network namespaces
	@scripts/engine-deps tests
	$(PYTHON) -m pytest -m "not long"

test-long: venv ## What waits by nature: for lost nodes, dead servers, elections
	@scripts/engine-deps tests
	$(PYTHON) -m pytest -m long

test-vm: venv ## Units and NFS volumes in a virtual machine; needs root and a quarter of an hour
	@scripts/vm-deps
	$(PYTHON) -m pytest tests/vm

schemas: venv ## Write anew what is generated from the code: JSON Schemas, OpenAPI, AsyncAPI, tables in docs/
	$(PYTHON) -m schemas.generate
	$(PYTHON) -m compose.generate
	$(PYTHON) scripts/reference.py

clean: ## Stop everything and remove the environment and all caches
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m cli down && $(PYTHON) -m cli lab down; fi
	rm -rf .venv .coverage htmlcov build dist .hypothesis .import_linter_cache
	rm -rf .troopers/vm .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
