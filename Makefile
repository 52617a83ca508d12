# Every command works from a fresh clone: what it needs is installed into .venv first.
.DEFAULT_GOAL := help
PYTHON ?= python3
INSTALLER ?= uv
BIN := .venv/bin
INSTALLED := .venv/installed
RUNNABLE := .venv/runnable
PEERS_INSTALLED := .venv-peers/installed
LITELLM_INSTALLED := .venv-litellm/installed
GPU_INSTALLED := .venv-gpu/installed
CLIENTS_INSTALLED := clients/node_modules/installed
STUDIO_INSTALLED := studio/node_modules/installed
PROMETHEUS_INSTALLED := .prometheus/installed
BROWSERS_INSTALLED := .browsers/installed

chaos: MINUTES ?= 20
fuzz: MINUTES ?= 5

.PHONY: help setup demo up test test-slow gpu test-gpu alerts manifests panels clients studio studio-setup studio-check studio-dev studio-shots test-web model mutants check docs fmt bench peers chaos door-kills away hostile fixes fuzz rollout lock clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Install everything into .venv (the other commands do it by themselves; INSTALLER=pip: without uv)

# requirements/install.py takes what the locks name, and resolves nothing.
INSTALL = @"$(PYTHON)" requirements/install.py --installer $(INSTALLER)
INSTALL_FILES := requirements/install.py requirements/uv.txt pyproject.toml

$(INSTALLED): requirements/dev.txt $(INSTALL_FILES)
	$(INSTALL) --editable .venv dev
	@touch $@ $(RUNNABLE)

# All that the system needs to run here. Where everything was installed once, all of it is kept up to date instead.
$(RUNNABLE): requirements/local.txt $(INSTALL_FILES)
	@if test -e $(INSTALLED); then $(MAKE) --no-print-directory $(INSTALLED); else \
		"$(PYTHON)" requirements/install.py --installer $(INSTALLER) --editable .venv local; fi
	@touch $@

# What the bench compares with; nothing else needs them.
$(PEERS_INSTALLED): requirements/peers.txt requirements/uv.txt
$(LITELLM_INSTALLED): requirements/litellm.txt requirements/uv.txt
$(PEERS_INSTALLED) $(LITELLM_INSTALLED):
	$(INSTALL) $(@D) $(basename $(notdir $<))
	@touch $@

# What the model server needs. torch comes by pip: its file differs by machine.
$(GPU_INSTALLED): requirements/gpu.txt requirements/torch.txt $(INSTALL_FILES)
	$(INSTALL) --beside torch --editable $(@D) gpu
	@touch $@

# What the tests with clients for Node need: npm packages, and our two packages, built.
$(CLIENTS_INSTALLED): clients/package-lock.json $(wildcard clients/ai-sdk/src/* clients/js/src/* clients/tests/*) requirements/install_clients.py requirements/node.py $(INSTALLED)
	@$(BIN)/python requirements/install_clients.py
	@touch $@

# What building the page needs.
$(STUDIO_INSTALLED): studio/package-lock.json requirements/studio.py requirements/node.py $(INSTALLED)
	@$(BIN)/python requirements/studio.py install
	@touch $@

# Debian's Prometheus and Alertmanager.
$(PROMETHEUS_INSTALLED): requirements/install_prometheus.py
	@"$(PYTHON)" requirements/install_prometheus.py $(@D)
	@touch $@

# Debian's Chromium and Firefox.
$(BROWSERS_INSTALLED): requirements/install_browsers.py
	@"$(PYTHON)" requirements/install_browsers.py $(@D)
	@touch $@

demo: $(RUNNABLE) $(if $(filter local,$(PROVIDER)),$(GPU_INSTALLED)) ## Make images and videos against the sandbox, from request to file; PROVIDER=all: one through each vendor; PROVIDER=local: a real model server
	@$(BIN)/reelworks demo $(if $(PROVIDER),--provider $(PROVIDER))

up: $(RUNNABLE) ## Run the whole system in the foreground; Ctrl-C ends it (REHEARSE=1: dead parts start again; PAUSE=20)
	@$(BIN)/reelworks up $(if $(REHEARSE),--rehearse $(if $(PAUSE),--pause $(PAUSE))) || test $$? -eq 130

# Each of the two processes works through its part of the files, so that few parts of the system start twice. The process
# that ends first takes over tests of the other.
TEST := $(BIN)/pytest -n 2 --dist worksteal --ignore=tests/kubernetes --ignore=tests/gpu --ignore=tests/gpu_stack

test: $(INSTALLED) ## Run the tests against real services and real worker processes
	@$(TEST) -m "not slow and not npm and not prometheus and not web"

test-slow: $(INSTALLED) $(LITELLM_INSTALLED) ## Run the tests that take long: set-ups, deploys under load, faults, hostile connections, a wheel elsewhere, short chaos and bench runs
	@$(TEST) -m slow

test-web: $(STUDIO_INSTALLED) $(BROWSERS_INSTALLED) ## Use the page in real browsers against a running system, and print its figures
	@$(BIN)/pytest tests/web

gpu: $(GPU_INSTALLED) ## Install the model server with torch into .venv-gpu

test-gpu: $(INSTALLED) $(GPU_INSTALLED) ## Run the model server on tiny weights, on the CPU or on a GPU
	@.venv-gpu/bin/pytest --confcutdir=tests/gpu tests/gpu
	@$(BIN)/pytest -n 0 tests/gpu_stack

alerts: $(INSTALLED) $(PROMETHEUS_INSTALLED) ## Cause the fault of each alert beside the real Prometheus and Alertmanager, and see each alert fire
	@$(BIN)/pytest tests/e2e/alerts

manifests: $(INSTALLED) ## Render the manifests for Kubernetes and check them; needs kubectl
	@$(BIN)/pytest tests/kubernetes

clients: $(INSTALLED) $(LITELLM_INSTALLED) $(CLIENTS_INSTALLED) ## Run the clients against the system: ours, OpenAI's, the AI SDK, LiteLLM's proxy
	@$(BIN)/pytest tests/e2e/clients

studio: $(STUDIO_INSTALLED) ## Build the page of studio/ into the gateway
	@$(BIN)/python requirements/studio.py build

studio-setup: $(STUDIO_INSTALLED) ## Install what building the page needs

studio-check: $(STUDIO_INSTALLED) ## Check the page's types and units, and that the gateway has what studio/ builds
	@$(BIN)/python requirements/studio.py check

studio-dev: $(STUDIO_INSTALLED) ## Serve the page from its source beside a running `make up`, and show each change at once
	@$(BIN)/python requirements/studio.py serve

studio-shots: $(STUDIO_INSTALLED) $(BROWSERS_INSTALLED) ## Draw every screen of the page, dark, light and on a phone, into docs/studio
	@WRITE_DOCS=1 $(BIN)/pytest tests/web/test_screens.py

model: $(INSTALLED) ## Tell the pipeline other random stories than `make test` does (EXAMPLES=500)
	@MODEL_PROFILE=explore MODEL_EXAMPLES=$(or $(EXAMPLES),500) $(BIN)/pytest tests/model

mutants: $(INSTALLED) ## Break rules on purpose, and see that the tests find each
	@$(BIN)/python -m drills.mutants

check: $(INSTALLED) ## Lint, types, formatting, the arrows between packages, and prices
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/reelworks models lint

docs: $(INSTALLED) ## Write the tables of models, vendors and access and the OpenAPI document anew
	@$(BIN)/python -m providers.documentation
	@$(BIN)/python -m ops.dashboards
	@WRITE_DOCS=1 $(BIN)/pytest -q tests/integration/gateway/test_access.py tests/unit/gateway/openapi/test_kept.py tests/unit/metrics/test_families.py

fmt: $(INSTALLED) ## Format and fix what can be fixed
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: $(INSTALLED) $(PEERS_INSTALLED) $(LITELLM_INSTALLED) ## Measure everything, beside its peers (ONLY="throughput calls", ROUNDS=5, QUICK=1, DOCUMENT=1)
	@$(BIN)/python -m bench $(ONLY) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick) $(if $(DOCUMENT),--document)

peers: $(INSTALLED) $(PEERS_INSTALLED) $(LITELLM_INSTALLED) ## Try each peer of the bench with a few orders (PEER=NAME)
	@$(BIN)/python -m bench.peers smoke "$(PEER)"

hostile: $(INSTALLED) ## Attack every door of a running system, and measure what others notice (ONLY=redis)
	@$(BIN)/python -m drills.hostile $(if $(ONLY),--only "$(ONLY)")

fixes: $(INSTALLED) ## Take out each fix against attacks, and see which attacks find the gap (ONLY="connections")
	@$(BIN)/python -m drills.hostile.without $(if $(ONLY),--only "$(ONLY)")

fuzz: $(INSTALLED) ## Give random bytes to each parser of foreign bytes for MINUTES (5), and keep what breaks one (ONLY=media, SEED=7)
	@$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(if $(ONLY),--only "$(ONLY)") $(if $(SEED),--seed $(SEED))

rollout: $(INSTALLED) ## Deploy this version over an earlier one under load (BASE=REVISION)
	@$(BIN)/python -m drills.rollout --base "$(BASE)"

chaos: $(INSTALLED) ## Break and attack every part of the running system for MINUTES (20), as SEED decides, and audit it
	@$(BIN)/python -m drills.chaos --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

panels: $(INSTALLED) $(PROMETHEUS_INSTALLED) ## Draw every panel of the dashboards during a chaos run of MINUTES (4) into docs/ops
	@$(BIN)/python -m drills.monitoring $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

door-kills: $(INSTALLED) ## Kill the process of the Redis door KILLS (100) times under ORDERS (2000), and count generations and answers
	@$(BIN)/python -m drills.door $(if $(KILLS),--kills $(KILLS)) $(if $(ORDERS),--orders $(ORDERS)) $(if $(SEED),--seed $(SEED))

away: $(INSTALLED) ## Take a provider away for SECONDS_AWAY (60) under load, and check that no order fails or is paid twice
	@$(BIN)/python -m drills.away $(if $(SECONDS_AWAY),--seconds $(SECONDS_AWAY))

lock: $(INSTALLED) ## Pin the newest allowed versions again, and say what changed
	@$(BIN)/python requirements/lock.py

clean: ## Remove the local run folder: data, logs, demo files
	@rm -rf .reelworks
