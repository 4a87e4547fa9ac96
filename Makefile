# One entry for people and for CI. `make help` lists every target.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

PREREQUISITES := ci_cd_testing_deployment/actions/prerequisites.sh
FRONTEND := visualization_dashboard/frontend
BIN := .venv/bin
UV := .cache/uv/bin/uv
PYTEST = $(BIN)/python -m pytest

# Registries answer late at times: wait, and try a bounded number of times. A refusal is final.
export UV_HTTP_TIMEOUT ?= 180
export UV_HTTP_RETRIES ?= 5
export UV_PYTHON_DOWNLOADS := never
export npm_config_fetch_retries ?= 5
export npm_config_fetch_timeout ?= 180000
export npm_config_audit := false
export npm_config_fund := false
export NEXT_TELEMETRY_DISABLED := 1

# A step's stamp carries the digest of what the step reads, so an unchanged step is skipped, whatever the clock says.
sha256 = (sha256sum 2>/dev/null || shasum -a 256) | cut -c1-16
digest = $(shell cat $(1) 2>/dev/null | $(sha256))
LOCKS := requirements.txt $(if $(shell $(PREREQUISITES) servers),requirements/servers.txt)
PYTHON_STAMP = .venv/.stamps/$(call digest,$(LOCKS) requirements/uv.txt pyproject.toml)
JARS_STAMP = .cache/stamps-jars/$(call digest,ci_cd_testing_deployment/local/maven.py \
	$(wildcard ci_cd_testing_deployment/local/*/pom.xml))
NODE_STAMP = $(FRONTEND)/node_modules/.stamps/$(call digest,$(FRONTEND)/package-lock.json)
PAGES_STAMP = $(FRONTEND)/.next/.stamps/$(shell find $(FRONTEND) \
	\( -name node_modules -o -name .next -o -name test-results \) -prune -o \
	-type f ! -name '*.tsbuildinfo' ! -name next-env.d.ts -print0 | LC_ALL=C sort -z | xargs -0 cksum | $(sha256))
stamp = mkdir -p $(@D) && rm -f $(@D)/* && touch $@

##@ Start
.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "; print "Fraudstream. Usage: make TARGET"} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z][a-z-]*:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: $(PYTHON_STAMP) $(JARS_STAMP) $(PAGES_STAMP) ## Make .venv, the jars and the pages; does nothing when nothing has changed

.PHONY: demo
demo: setup ## Train, start everything, stream, and print the dashboard's address (DEMO_SECONDS=60 ends by itself)
	@$(BIN)/fraud demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

##@ Check
.PHONY: test
test: setup lint types rings deps unit pages integration ## All checks that a change must pass

.PHONY: lint
lint: $(PYTHON_STAMP) ## Style of Python
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .

.PHONY: types
types: $(PYTHON_STAMP) ## Types, tests included
	$(BIN)/mypy

.PHONY: rings
rings: $(PYTHON_STAMP) ## Dependencies point inwards
	$(BIN)/lint-imports --cache-dir .cache/import-linter

.PHONY: deps
deps: $(PYTHON_STAMP) ## Every import is declared, every declared package is used
	$(BIN)/deptry . --config requirements/deptry.toml

.PHONY: unit
unit: $(PYTHON_STAMP) ## Tests that need no server
	$(PYTEST) -n 2 --dist loadfile -m "not integration and not e2e and not slow" $(addprefix --ignore=tests/,integration e2e ship)

.PHONY: pages
pages: $(NODE_STAMP) ## Style, types and tests of the pages
	cd $(FRONTEND) && npm run lint && npm run typecheck && npm run test

.PHONY: integration
integration: setup ## Tests on real servers, which they start: adapters, quick parity, the browser
	$(PYTEST) -n 2 --dist loadgroup -m "(integration or e2e) and not slow" $(addprefix --ignore=tests/,architecture contract unit ship)

.PHONY: parity
parity: setup ## Replay, stream and API compute the same features: the long version
	$(PYTEST) -m slow tests/parity

.PHONY: test-faults
test-faults: setup ## End the stream at every call, kill its driver, and compare with an undisturbed run
	TEST_FAULT_EVENTS=20000 TEST_FAULT_KILLS=100 TEST_FAULT_PAUSES=10 $(PYTEST) -m integration tests/integration/stream

.PHONY: format
format: $(PYTHON_STAMP) ## Bring Python into shape
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format --quiet .

##@ Ship
SHIP := ci_cd_testing_deployment
# A run that passed has left every tool and image in the cache, so that another is quick.
remember = @mkdir -p "$${FRAUD_SHIP_CACHE:-.cache/ship}/complete" && touch "$${FRAUD_SHIP_CACHE:-.cache/ship}/complete/$(@:test-%=%)"
.PHONY: test-images
test-images: setup ## Build every image on a private container engine and run it hardened, with real servers beside it
	$(SHIP)/docker/test.sh
	$(remember)

.PHONY: test-cluster
test-cluster: setup ## Apply every overlay to a real Kubernetes cluster made here, and roll out on it
	$(SHIP)/kubernetes/test.sh
	$(remember)

.PHONY: test-infra
test-infra: setup ## Terraform against mocks and an emulator, all checkers, the workflows
	$(SHIP)/terraform/test.sh
	$(SHIP)/actions/test.sh
	$(remember)

.PHONY: test-ship-smoke
test-ship-smoke: setup ## The quick part of the three: checkers, mocked Terraform, one image, the API server alone
	$(SHIP)/actions/test.sh smoke
	$(SHIP)/terraform/test.sh smoke
	$(SHIP)/docker/test.sh smoke
	$(SHIP)/kubernetes/test.sh smoke

##@ Measure
.PHONY: bench-stream
bench-stream: setup ## Events per second through Spark; one JSON line last
	@$(BIN)/python -m ci_cd_testing_deployment.performance_testing.bench_stream $(ARGS)

.PHONY: bench-flow
bench-flow: setup ## Milliseconds from event to decision in a steady flow; one JSON line last
	@$(BIN)/python -m ci_cd_testing_deployment.performance_testing.bench_flow $(ARGS)

.PHONY: bench-api
bench-api: setup ## Decisions per second and latencies of the API; one JSON line last
	@$(BIN)/python -m ci_cd_testing_deployment.performance_testing.bench_api $(ARGS)

.PHONY: bench-replay
bench-replay: setup ## Events per CPU-second of the feature kernel; one JSON line last
	@$(BIN)/python -m ci_cd_testing_deployment.performance_testing.bench_replay $(ARGS)

.PHONY: bench-peers
bench-peers: setup ## The same job by the product and by its peers, each in an environment of its own; one JSON line last
	@$(BIN)/python -m ci_cd_testing_deployment.performance_testing.peers.bench $(ARGS)

##@ Maintain
.PHONY: lock
lock: $(UV) ## Recompile the locks; UPGRADE=1 moves to the newest versions that resolve together
	ci_cd_testing_deployment/actions/lock.sh $(UV) $(if $(UPGRADE),--upgrade)

.PHONY: docs
docs: $(PYTHON_STAMP) $(NODE_STAMP) ## Regenerate the pages and the dashboard's client that are made from code
	$(BIN)/fraud settings --markdown > docs/settings.md
	$(BIN)/fraud features list --markdown > docs/features.md
	$(BIN)/fraud contracts --markdown > docs/data-contract.md
	$(BIN)/python -m visualization_dashboard.backend.openapi
	cd $(FRONTEND) && npm run generate

.PHONY: clean
clean: ## Remove all that setup made; worlds and imports in .cache stay, and the stack's data in .run
	rm -rf .venv $(addprefix .cache/,uv stamps-jars kafka-jars spark-jars mypy pytest grimp import-linter) \
		$(FRONTEND)/node_modules $(FRONTEND)/.next

# The steps of setup.
$(UV): requirements/uv.txt
	@$(PREREQUISITES) check "$(PYTHON)"
	$(PYTHON) -m venv --clear .cache/uv
	.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check --retries 5 --timeout 60 \
		--require-hashes --requirement requirements/uv.txt
	@touch $@

$(PYTHON_STAMP): $(UV)
	@$(PREREQUISITES) check "$(PYTHON)"
	@$(BIN)/python -c '' 2>/dev/null || $(UV) venv --quiet --python "$(PYTHON)" .venv
	$(UV) pip sync $(if $(CI),--quiet) --python $(BIN)/python --require-hashes --build-constraints requirements/uv.txt $(LOCKS)
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(stamp)

$(JARS_STAMP): | $(PYTHON_STAMP)
	$(BIN)/python -m ci_cd_testing_deployment.local.maven
	@$(stamp)

$(NODE_STAMP):
	@$(PREREQUISITES) node
	cd $(FRONTEND) && npm ci --no-progress
	@$(stamp)

$(PAGES_STAMP): $(NODE_STAMP)
	cd $(FRONTEND) && npm run build
	@$(stamp)

ifndef PYTHON
PYTHON = $(shell $(PREREQUISITES) python)
endif
