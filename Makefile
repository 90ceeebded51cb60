# Each target makes .venv first when it is missing or out of date.
# `make test PYTHON=python3.12` chooses the interpreter; later calls keep it.

BASE := -c 'import os, sys; print(os.path.realpath(sys._base_executable))'
MADE_WITH := $(shell .venv/bin/python $(BASE) 2>/dev/null)
PYTHON ?= $(or $(MADE_WITH),python3)
ASKED_FOR := $(or $(shell $(PYTHON) $(BASE)),$(error PYTHON=$(PYTHON) does not run))
ifneq ($(ASKED_FOR),$(MADE_WITH))
OTHER_PYTHON := other-python
endif

.PHONY: install demo test check lint types fmt docs wheel bench bench-quick clean $(OTHER_PYTHON)
.NOTPARALLEL:  # two installs into one .venv would collide

install: .venv/.dev

demo: .venv/.demo
	.venv/bin/python examples/digits.py --compare

test: .venv/.chromium
	.venv/bin/pytest -n auto --dist worksteal $(ARGS)

check: lint types test  # the fast ones first; `test` includes the tests of the docs

lint: .venv/.dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check

types: .venv/.dev
	.venv/bin/mypy
	.venv/bin/pyright

fmt: .venv/.dev
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

docs: .venv/.dev  # the site, into docs/_site; `test` reads it in a browser
	.venv/bin/python docs/ops_page.py
	.venv/bin/python docs/picture.py
	.venv/bin/python docs/build_site.py docs/_site

wheel: .venv/.dev  # what the test builds and checks, into dist
	.venv/bin/pytest tests/test_distribution.py
	rm -rf dist
	.venv/bin/python -m build --quiet

bench: .venv/.bench
	.venv/bin/python -m benchmarks --write

bench-quick: .venv/.bench
	.venv/bin/python -m benchmarks --quick

clean:
	rm -rf .venv build dist .coverage htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# venv installs pip last, and this removes it first, so that an unfinished .venv is made again.
.venv/bin/pip: $(OTHER_PYTHON)
	rm -f $@
	$(PYTHON) -m venv --clear .venv

# A stamp for each extra: the demo needs no test tools, and the others contain `demo`.
.venv/.demo .venv/.dev .venv/.bench: .venv/.%: pyproject.toml .venv/bin/pip
	.venv/bin/pip --quiet --disable-pip-version-check --require-virtualenv install -e '.[$*]'
	touch .venv/.demo $@

# A browser for the tests of the site, unless the machine has one.
.venv/.chromium: tests/browser.py .venv/.dev
	.venv/bin/python tests/browser.py
	touch $@
