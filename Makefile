# Every command works from a fresh clone: what it needs is installed into .venv first.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
PEERS_INSTALLED := .venv-peers/installed
LITELLM_INSTALLED := .venv-litellm/installed

MINUTES ?= 20

.PHONY: help setup demo up test model mutants check docs fmt bench peers chaos rollout lock clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Install everything into .venv (the other commands do it by themselves)

$(INSTALLED): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Reelworks needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 setup" if sys.version_info < (3, 11) else 0)'
	@echo "Installing into .venv ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# What the bench compares with; nothing else needs them.
$(PEERS_INSTALLED): requirements/peers.txt
$(LITELLM_INSTALLED): requirements/litellm.txt
$(PEERS_INSTALLED) $(LITELLM_INSTALLED):
	@echo "Installing into $(@D) ..."
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

demo: $(INSTALLED) ## Make images and videos against the sandbox, from request to file; PROVIDER=all: one through each vendor
	@$(BIN)/reelworks demo $(if $(PROVIDER),--provider $(PROVIDER))

up: $(INSTALLED) ## Run the whole system in the foreground; Ctrl-C ends it
	@$(BIN)/reelworks up || test $$? -eq 130

test: $(INSTALLED) ## Run every test against real services
	@$(BIN)/pytest -n 2 --dist loadgroup

model: $(INSTALLED) ## Tell the pipeline other random stories than `make test` does (EXAMPLES=500)
	@MODEL_PROFILE=explore MODEL_EXAMPLES=$(or $(EXAMPLES),500) $(BIN)/pytest tests/model

mutants: $(INSTALLED) ## Break rules on purpose, and see that the tests find each
	@$(BIN)/python -m bench.mutants

check: $(INSTALLED) ## Lint, types, formatting and the arrows between packages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: $(INSTALLED) ## Write the documentation's tables of models and vendors anew
	@$(BIN)/python -m providers.documentation

fmt: $(INSTALLED) ## Format and fix what can be fixed
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: $(INSTALLED) $(PEERS_INSTALLED) $(LITELLM_INSTALLED) ## Measure everything, beside its peers (ONLY="throughput calls", ROUNDS=5, QUICK=1, DOCUMENT=1)
	@$(BIN)/python -m bench $(ONLY) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick) $(if $(DOCUMENT),--document)

peers: $(INSTALLED) $(PEERS_INSTALLED) $(LITELLM_INSTALLED) ## Try each peer of the bench with a few orders (PEER=NAME)
	@$(BIN)/python -m bench.peers smoke "$(PEER)"

rollout: $(INSTALLED) ## Deploy this version over an earlier one under load (BASE=REVISION)
	@$(BIN)/python -m bench.rollout --base "$(BASE)"

chaos: $(INSTALLED) ## Break every part of the running system for MINUTES (20), as SEED decides, and audit it
	@$(BIN)/python -m bench.chaos --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

PIN := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links

lock: ## Pin the newest allowed versions again (needs uv)
	@$(PIN) --upgrade --extra local --extra dev pyproject.toml -o requirements/dev.txt
	@$(PIN) -c requirements/dev.txt pyproject.toml -o requirements/run.txt
	@$(PIN) --upgrade -c requirements/dev.txt bench/peers/requirements.in -o requirements/peers.txt
	@$(PIN) --upgrade bench/peers/litellm_proxy/requirements.in -o requirements/litellm.txt

clean: ## Remove the local run folder: data, logs, demo files
	@rm -rf .reelworks
