# hazmon: `make up` runs it, `make test` tests it, `make help` lists the rest.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
PORT   ?= 8080
SERVICE_PORT ?= 8081

.PHONY: help up test bench lint web clean install
.DEFAULT_GOAL := help

help:
	@echo "make up            install, start Airflow, the service (map: http://127.0.0.1:$(SERVICE_PORT)/) and the exercise feed server on loopback, play the exercises, go on until Ctrl-C"
	@echo "make up ONCE=1     the same, but stop after the exercises; exit code 0 only when everything expected was published"
	@echo "make up FEEDS=live read the live feeds instead of the exercises"
	@echo "make up PORT=8090  use another port for Airflow's page and REST interface"
	@echo "make up SERVICE_PORT=8091  use another port for the map and the service"
	@echo "make install       install everything, with the tools for development, and run nothing"
	@echo "make test          install everything and run the tests"
	@echo "make bench         print speed ratios against the tools a user would pick instead"
	@echo "make lint          ruff, mypy --strict, import-linter"
	@echo "make web           check and build the map page anew, with node and npm from the environment"

# One environment, all extras resolved together. uv is quicker; plain pip does the same where uv cannot reach an index.
define install
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "cannot create $(VENV): on Debian, apt install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@echo "Installing hazmon and what it needs (pinned in constraints.txt) ..."
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --constraint constraints.txt --editable '.[$(1)]' \
	  || $(BIN)/pip install --quiet --constraint constraints.txt --editable '.[$(1)]'
	@$(BIN)/python -m pipeline.warmup
endef

$(VENV)/.run: pyproject.toml constraints.txt
	$(call install,airflow$(comma)serve)
	@touch $@

$(VENV)/.all: pyproject.toml constraints.txt
	$(call install,airflow$(comma)serve$(comma)pgstac$(comma)dev)
	@touch $@ $(VENV)/.run

comma := ,

install: $(VENV)/.all

up: $(VENV)/.run
	@$(if $(filter live,$(FEEDS)),HAZMON_HOME=$${HAZMON_HOME:-.hazmon-live}) exec $(BIN)/hazmon up --port $(PORT) --service-port $(SERVICE_PORT) $(if $(ONCE),--once) $(if $(filter live,$(FEEDS)),--live)

test: $(VENV)/.all
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: $(VENV)/.all
	$(BIN)/python -m tests.benchmarks

lint: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The page's own packages are pinned in its package-lock.json; what is built is committed, so that only this needs node.
web: $(VENV)/.all
	cd pipeline/service/web && export PATH="$(abspath $(BIN)):$$PATH" \
	  && npm ci --ignore-scripts --no-fund --no-audit && npm run check && npm run build

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
