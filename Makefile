# Every verb works in a fresh clone: the virtual environment is made on first use and again when pyproject.toml changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# apt-get needs root; RUNLEVEL=1 tells Debian's packages not to start what they install
APT := $(if $(filter 0,$(shell id -u)),,sudo) env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get

# the tests start hundreds of processes, each of which would read its sources anew where the environment forbids to keep what was compiled
unexport PYTHONDONTWRITEBYTECODE

# these measure promises to the token over many processes, and want the machine for themselves
ALONE := tests/e2e/test_promises.py tests/e2e/test_load.py

.DEFAULT_GOAL := help
.PHONY: help serve demo test check bench load scale screens pages deps

help: ## say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 14

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python >= 3.11 is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1); try make PYTHON=python3.13" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "what is needed is put into $(VENV), for development too; once, and it takes a minute or a few"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

serve: $(READY) ## serve on the embedded store; prints where it listens and a curl line
	@$(BIN)/ratelimit serve

demo: $(READY) ## serve a simulated site with its past, and attacks that begin while one looks on: the console is alive within a minute
	@$(BIN)/ratelimit demo $(ARGS)

# Without ARGS in two parts, and both run whatever the first finds: two processes share the tests, file by file (a module's fixtures are made
# once; the long files of anomaly/ come first), then what measures promises over many processes has the machine for itself.
test: $(READY) ## run the tests
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	@status=0; \
	$(BIN)/python -m pytest $(patsubst %,--ignore %,$(ALONE)) --numprocesses 2 --dist loadfile --no-loadscope-reorder || status=$$?; \
	$(BIN)/python -m pytest $(ALONE) || status=$$?; \
	exit $$status
endif

check: $(READY) ## format, lint, types, import direction, Dockerfile and k8s/
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy ratelimit tests bench
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/kubernetes-validate --strict k8s/*.yaml

bench: $(READY) ## measure throughput beside peers, stages, latency, store calls, script and memory
	$(BIN)/python bench/check.py $(ARGS)

load: $(READY) ## let honest and abusive callers come, and fail if an objective is missed
	$(BIN)/python bench/load_test.py $(ARGS)

scale: $(READY) ## simulate hundreds of sidecars and millions of keys
	$(BIN)/python bench/scale.py $(ARGS)

screens: $(READY) ## make pictures of every page of the console into bench/results/screens
	$(BIN)/python -m tests.e2e.console.screenshots

pages: $(READY) ## measure the console's pages on a ledger of a million records, SQLite and PostgreSQL
	$(BIN)/python -m bench.pages $(ARGS)

deps: ## install what no wheel brings (apt): redis-server, postgresql, nginx, haproxy, wrk, chromium
	$(APT) update -qq
	$(APT) install -qq --yes --no-install-recommends redis-server postgresql nginx haproxy wrk chromium
