# Every command that the README names. `make` alone lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
export DO_NOT_TRACK := 1
# Numeric code on shared cores crawls when every library starts a thread per core.
export OMP_NUM_THREADS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install install-test install-all install-gcp run run-images drill test test-cloud torture lint bench serve viz prove-images clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# A stamp per extra: a second `make run` installs nothing.
$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,images]'
	@touch $@

# What the tests compile Dataform projects with; without npm they say that they skip it.
$(VENV)/dataform/installed: | $(BIN)/python
	@if command -v npm >/dev/null; then mkdir -p $(VENV)/dataform && npm install --silent --no-audit --no-fund \
		--no-package-lock --prefix $(VENV)/dataform @dataform/cli@3.0.69 @dataform/core@3.0.62 && touch $@; fi

install: $(VENV)/installed ## .venv with what the scam model needs (no torch, no clouds)

install-test: $(VENV)/installed-test $(VENV)/dataform/installed

install-all: install-test ## every extra, torch included

# kedro-vertexai asks for older libraries than it works with: without its dependencies (docs/adr/0009).
$(VENV)/installed-gcp: $(VENV)/installed-test constraints-gcp.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --constraint constraints-gcp.txt --editable '.[gcp]'
	$(BIN)/python -m pip install --quiet --no-deps --constraint constraints-gcp.txt kedro-vertexai
	@touch $@

# Airflow pins what this project does not: an environment of its own, 2 GB.
.airflow/installed: dags/requirements.txt
	$(PYTHON) -m venv .airflow
	.airflow/bin/python -m pip install --quiet --requirement $<
	@touch $@

# Stand-ins for BigQuery and Cloud Storage, which need Python 3.13 (the system's, or pyenv's).
.standins/installed: standins/requirements.txt
	@for python in python3.13 $$HOME/.pyenv/versions/3.13*/bin/python; do \
		"$$python" --version >/dev/null 2>&1 && break; python=; done; \
	test -n "$$python" || { echo "test-cloud needs Python 3.13: pyenv install 3.13" >&2; exit 1; }; \
	"$$python" -m venv .standins
	.standins/bin/python -m pip install --quiet --requirement $<
	@touch $@

install-gcp: $(VENV)/installed-gcp ## what compiles for Vertex AI and talks to Google Cloud

run: install ## play the loop on a simulated platform: shift noticed, model retrained, released, reverted
	$(BIN)/kedro loop play

run-images: install-test ## the image model: uploads drawn, network trained, evaluated, released, a day scored and watched
	$(BIN)/kedro run --pipeline=images_simulation
	$(BIN)/kedro run --pipeline=images_first

drill: install ## play each kind of shift and judge the loop (ARGS="--seeds 1 2 3 --shift-day 40")
	$(BIN)/kedro loop drill $(ARGS)

test: install-test lint ## ruff, mypy, import contracts, tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-cloud: install-gcp .airflow/installed .standins/installed ## what needs Google's clients or Airflow: compiled files run and submitted, MLflow, DAGs
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/adapters/vertex tests/adapters/vertex_mlflow tests/standins \
		tests/cloud

torture: install-test ## kill scoring (50 times) and release (150); 10,000 malformed requests, 100 swaps of versions under load
	folder=$$(mktemp -d) && $(BIN)/python tests/torture/torture.py $$folder 50 0; \
	status=$$?; rm -rf "$$folder"; exit $$status
	folder=$$(mktemp -d) && $(BIN)/python tests/torture/release.py $$folder 150 0; \
	status=$$?; rm -rf "$$folder"; exit $$status
	folder=$$(mktemp -d) && $(BIN)/python -m tests.torture.serving $$folder 10000 100; \
	status=$$?; rm -rf "$$folder"; exit $$status

lint: install-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install ## how fast we are against others, as ratios (ten minutes; writes bench/results.json)
	$(BIN)/python -m bench

MODEL ?= scam
serve: $(if $(filter images,$(MODEL)),install-test,install) ## the champion over HTTP on 127.0.0.1:8080 (MODEL=images for pictures; ARGS="--env test")
	$(BIN)/python -m ucu_mlops.serving --model $(MODEL) $(ARGS)

viz: install ## pipelines, data and results in the browser (http://127.0.0.1:4141)
	$(BIN)/kedro viz run --host 127.0.0.1 --include-hooks

IMAGES ?= tabular torch
prove-images: ## what each container image installs, as a virtual environment in which its tasks run (ten minutes, 4 GB)
	$(PYTHON) deploy/images/prove.py $(IMAGES)

clean: ## forget everything computed (not the virtual environment)
	find data -type f ! -name .gitkeep -delete
	find data -mindepth 2 -type d -empty -delete
