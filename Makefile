# The habits of this house. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CITY ?= linlan
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# The environment is the lock file, hashes checked. It is made anew when the lock or the project file changes.
$(VENV)/.ready: requirements.lock pyproject.toml
	@echo "making the environment in $(VENV) …"
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[0-9.]+' requirements.lock)"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: env
env: $(VENV)/.ready ## the environment, from the lock file

.PHONY: lock
lock: ## resolve requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --python-version 3.11 --extra dev --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements.lock
	@$(MAKE) --no-print-directory env
	@$(BIN)/python docker/lock.py

.PHONY: demo
demo: $(VENV)/.ready ## departments, Airflow, lake, marts, briefs: the demo city, or CITY=queens (KEEP=1 leaves Airflow up)
	@$(BIN)/python -m samples.demo --city $(CITY) $(if $(KEEP),--keep,)

.PHONY: demo-year
demo-year: $(VENV)/.ready servers ## the same with 400 days of the whole demo city at scale 0.01
	@CITYBRAIN_HOME=$(CURDIR)/var/linlan-year $(BIN)/python -m samples.demo --county all --scale 0.01 --days 400 $(if $(KEEP),--keep,)

# The only thing the tests need that no wheel brings. Where it may not be installed its tests say NOT RUN, and CI fails.
.PHONY: browser
browser: ## Chromium for the tests of pages, by apt where that is allowed
	@command -v chromedriver > /dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && \
	  apt-get install -y -qq --no-install-recommends chromium chromium-driver > /dev/null; } || \
	  echo "no browser: tests/browser will not run"

# Servers of departments that no wheel brings: MariaDB, OpenSSH, nginx. The same holds for them.
SERVERS := mariadbd:mariadb-server sshd:openssh-server nginx:nginx
.PHONY: servers
servers: ## MariaDB, OpenSSH and nginx for the tests, by apt where that is allowed
	@missing=""; for pair in $(SERVERS); do PATH=$$PATH:/usr/sbin command -v $${pair%%:*} > /dev/null || missing="$$missing $${pair##*:}"; done; \
	test -z "$$missing" || { test "$$(id -u)" = 0 && apt-get update -qq && \
	  apt-get install -y -qq --no-install-recommends $$missing > /dev/null; } || echo "not installed:$$missing: their tests will not run"

.PHONY: test
test: $(VENV)/.ready lint browser servers ## everything CI runs, servers included (about a quarter of an hour on 2 cores)
	@$(BIN)/python -m pytest -m "not long" -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: test-long
test-long: $(VENV)/.ready ## what takes longer: 100 kills, 60 days of builds, long property tests
	@$(BIN)/python -m pytest -m long -n 2 --dist loadfile --no-loadscope-reorder --timeout 3600

.PHONY: lint
lint: $(VENV)/.ready ## format, lint, types, layers, SQL, contracts
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache | tail -n 1
	@$(BIN)/sqlfmt --check --quiet dbt_project/macros dbt_project/models dbt_project/tests
	@$(BIN)/citybrain contract check

MINUTES ?= 60
.PHONY: fuzz
fuzz: $(VENV)/.ready ## spoilt files of every format through landing and admission (MINUTES=60)
	@$(BIN)/python tests/unit/fuzz_formats.py --minutes $(MINUTES)

.PHONY: audit
audit: $(VENV)/.ready ## ask the advisory services about the lock (needs a network; CI uses tests/audit)
	@$(BIN)/pip-audit --require-hashes --disable-pip --vulnerability-service osv --requirement requirements.lock

.PHONY: bench
bench: $(VENV)/.ready ## figures: commits and plans, gate, extraction, connectors, hot spots and forecasts against their peers, the marts
	@$(BIN)/python bench/commits.py
	@$(BIN)/python bench/gate.py
	@$(BIN)/python bench/transports.py
	@$(BIN)/python bench/extract.py $(if $(wildcard .venv-bench),--peers .venv-bench/bin/python,)
	@$(BIN)/python bench/connectors.py $(if $(wildcard .venv-bench),--peers .venv-bench/bin/python,)
	@$(BIN)/python bench/hotspots.py
	@$(BIN)/python bench/marts_build.py

.PHONY: bench-peers
bench-peers: $(VENV)/.ready ## an environment with the peers that extraction is compared with
	@$(BIN)/uv venv --quiet --allow-existing .venv-bench
	@$(BIN)/uv pip install --quiet --python .venv-bench/bin/python connectorx "dlt[parquet,sql_database,filesystem]" "psycopg[binary]" PyMySQL pandas pyarrow

.PHONY: reference
reference: $(VENV)/.ready ## write docs/reference anew from contracts, connectors, commands, errors and models
	@$(BIN)/python docs/reference/generate.py

.PHONY: clean
clean: ## remove the demo's home and caches; the environment stays
	rm -rf var dbt_project/target dbt_project/logs .mypy_cache .ruff_cache .pytest_cache
