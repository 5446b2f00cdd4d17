# Steward. `make run` opens the demo district; `make test` runs every test; README says the same.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ROOT   ?= var
PORT   ?= 8501

.PHONY: run test check bench real simulate verify demo clean
.DEFAULT_GOAL := run

# A Debian without python3-venv cannot make one: install it when root, say so otherwise.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Steward needs Python 3.11 or newer; PYTHON=/path/to/python3.11 make ... names one."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq python3-venv; \
	  else echo "Python's venv is missing. Install it (Debian: apt-get install python3-venv) and run make again."; exit 1; fi; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.run

# The browser tests drive Debian's Chromium with Debian's Chinese fonts, and a real nginx before the server; the ledger's
# tests start a real PostgreSQL of their own.
.PHONY: browser
browser:
	@if command -v chromium >/dev/null && command -v nginx >/dev/null && command -v openssl >/dev/null && command -v curl >/dev/null && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && [ -n "$$(find /usr/share/fonts -name 'NotoSansCJK*' 2>/dev/null | head -1)" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk nginx-light openssl curl postgresql; \
	else echo "The browser tests need Debian packages chromium, fonts-noto-cjk, nginx-light, openssl, curl and postgresql; install them and run make test again."; exit 1; fi

# Papers embed Noto's Chinese fonts; without them everything but the PDF downloads works, and the page says so.
.PHONY: fonts
fonts:
	@if [ -n "$$STEWARD_FONTS" ] || [ -n "$$(find /usr/share/fonts -name 'NotoSerifCJK*' 2>/dev/null | head -1)" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq fonts-noto-cjk \
	  || echo "The Chinese fonts could not be installed; papers as PDF wait until fonts-noto-cjk is."; \
	else echo "For papers as PDF install the Chinese fonts (Debian: fonts-noto-cjk) or name their folder in STEWARD_FONTS."; fi

demo: $(VENV)/.run
	$(BIN)/python steward.py --root $(ROOT) demo

run: demo fonts
	@echo "Steward opens on http://127.0.0.1:$(PORT) (stop with Ctrl-C)"
	STEWARD_ROOT=$(ROOT) $(BIN)/python -m streamlit run app.py --server.port $(PORT)

test: $(VENV)/.dev browser
	$(BIN)/python -m pytest -n auto

# The same tests with every ledger in a PostgreSQL of the run's own.
.PHONY: test-postgresql
test-postgresql: $(VENV)/.dev browser
	$(BIN)/python -m pytest -n auto --ledger postgresql

# After a version in requirements*.in was changed: every file of every version by its SHA-256, for all platforms. Needs uv.
.PHONY: lock
lock:
	@for f in requirements requirements-dev; do \
	  { echo "# Made by \`make lock\` from $$f.in; not written by hand. pip takes only files with one of these hashes (pip --require-hashes)."; \
	    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links -c requirements.txt -c requirements-dev.txt $$f.in; } > $$f.new && mv $$f.new $$f.txt || exit 1; \
	done

# Random files by the ten thousand, three hundred kills: hours, not minutes.
.PHONY: test-long
test-long: $(VENV)/.dev
	STEWARD_LONG=1 $(BIN)/python -m pytest -s tests/test_kills.py tests/data/test_hostile.py

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(MAKE) test

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

real: $(VENV)/.run
	$(BIN)/python -m benchmarks.real

simulate: $(VENV)/.run
	$(BIN)/python -m benchmarks.simulate

verify: $(VENV)/.run
	$(BIN)/python steward.py --root $(ROOT) verify

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
