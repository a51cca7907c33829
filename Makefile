# One command each: demo, test, prove, bench, check. Everything is installed into .venv from hash-locked lists.
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
# One more than there are cores: many tests wait for servers. And what they start need not compile us each time.
WORKERS ?= $(shell expr $$(nproc) + 1)

.PHONY: help demo test prove bench force febrl unseen check format lint types floors lock docs clean

help:            ## what can be done here
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(STAMP): requirements/runtime.lock requirements/dev.lock pyproject.toml
	$(PY) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: $(STAMP)   ## run the main job on a synthetic force (ARGS=--serve keeps it up)
	$(BIN)/reachpoint demo $(ARGS)

test: $(STAMP)   ## all tests, with a tenth of the random trials
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

prove: $(STAMP)  ## the full trial counts; what is run replaces what docs/proof.md said of it
	REACHPOINT_TRIALS=full $(BIN)/python -m tests.prove $(ARGS)

bench: $(STAMP)  ## speed and memory beside the machine's own floor
	$(BIN)/python -m tests.bench $(ARGS)

force: $(STAMP)  ## how well people are recognised: 1,000 to 1,000,000 members (ten minutes)
	$(BIN)/python -m tests.force_quality --sizes 1000,10000,100000,1000000 --write docs/matching-force.md $(ARGS)

febrl: $(STAMP)  ## recognition on FEBRL 1 to 4 beside Splink 4; the table is kept in docs/matching-febrl.md
	$(BIN)/python -m tests.febrl --write docs/matching-febrl.md $(ARGS)

unseen: $(STAMP)  ## recognition on tables nobody tuned for, beside Splink 4; the table is kept in docs/matching-unseen.md
	$(BIN)/python -m tests.unseen --write docs/matching-unseen.md $(ARGS)

check: format lint types floors test  ## what CI runs

format: $(STAMP)
	$(BIN)/ruff format --check .

lint: $(STAMP)
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

floors: $(STAMP)
	$(BIN)/lint-imports

docs: $(STAMP)   ## regenerate docs/configuration.md, docs/openapi.json, docs/rules.schema.json and the walk in docs/rules.md
	$(BIN)/python -m service.reference
	$(BIN)/python -m tests.rules_walk

lock: $(STAMP)   ## renew the hash-locked lists
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/runtime.lock
	printf "hatchling==1.33.0\n" | $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -o requirements/build.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev -c requirements/runtime.lock -o requirements/dev.lock

clean:
	rm -rf $(VENV) var demo-data .mypy_cache .ruff_cache .pytest_cache
