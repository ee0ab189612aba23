# Every target in a line: `make help`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo
# Tests that make things panic on purpose would spend minutes on naming each frame.
export RUST_BACKTRACE = 0
# Kills of `make crash`, minutes of `make fuzz`.
N ?= 300
MINUTES ?= 60
# Events of `make fill` and of `make bench PART=pages`.
ROWS ?= 10000000
# Parts of `make bench`; all of them where it is empty.
PART ?=

# Runs a command and prints the minutes that it took.
stage = @began=$$SECONDS; echo "== $(1)"; $(2); echo "== $(1): $$(( (SECONDS - began) / 60 )) min $$(( (SECONDS - began) % 60 )) s"

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: run
run: ## The main job on this machine: a missed call becomes a note, with a local stand-in for Groove
	@$(CARGO) run -- demo

.PHONY: build
build: ## The program, for use: target/release/bellwire
	$(CARGO) build --release

.PHONY: web
web: ## What pages load that is not written by hand (the editor's bundle, htmx, their licences); needs Node, and is committed
	cd web && npm ci --ignore-scripts && npm test && npm run --silent build

.PHONY: setup
setup: ## Installs what the tests need beside Rust (Debian packages; playwright-core, axe-core, oidc-provider and schemathesis in target/tools), and says what
	@tests/setup

.PHONY: test
test: ## Everything: lint, then all tests on SQLite and PostgreSQL, a short crash run and a short fuzz run, from one build
	$(call stage,setup,$(MAKE) --no-print-directory setup)
	$(call stage,format,$(CARGO) fmt --check)
	$(call stage,build,$(CARGO) test --locked --no-run)
	$(call stage,test,$(CARGO) test --locked)
	$(call stage,pages,node --test --test-concurrency=2 tests/browser/*.test.mjs)
	$(call stage,api,tests/api/run)
	$(call stage,lint,$(MAKE) --no-print-directory lint)

.PHONY: api
api: ## The API against its document: whatever that allows, and what it does not, asked by schemathesis
	$(call stage,setup,tests/setup)
	$(call stage,build,$(CARGO) build --locked)
	$(call stage,api,tests/api/run)

.PHONY: browser
browser: ## The pages in Chromium: the main path, hostile strings in every field, axe, keys, sizes, no scripts
	$(call stage,setup,tests/setup)
	$(call stage,build,$(CARGO) build --locked)
	$(call stage,pages,node --test --test-concurrency=2 tests/browser/*.test.mjs)

.PHONY: screenshots
screenshots: ## Every page, light and dark, wide and narrow, into target/screenshots
	@tests/setup
	$(CARGO) build --locked
	$(call stage,screenshots,node tests/browser/screenshots.mjs)

.PHONY: lint
lint: ## Format, clippy with warnings as errors, borders between the parts; licences and spelling where the tools are installed
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) test --locked --test layers --quiet
	@if command -v cargo-deny >/dev/null; then cargo deny check bans licenses sources; else echo "cargo-deny is not installed: licences are not checked"; fi
	@if command -v typos >/dev/null; then typos; else echo "typos is not installed: spelling is not checked"; fi

.PHONY: audit
audit: ## Known advisories of the crates in Cargo.lock (needs cargo-deny and its advisory database)
	cargo deny check advisories

.PHONY: bench
bench: ## Figures of this machine, as ratios of one run; some parts alone (verdict, check, test, reload, backtest, intake, gates, pages ..): make bench PART=reload, make bench PART=pages ROWS=10000000
	ROWS=$(ROWS) $(CARGO) bench --bench figures -- $(PART)

.PHONY: fill
fill: ## A database with millions of events and runs, in target/filled-<ROWS>: make fill ROWS=10000000
	ROWS=$(ROWS) $(CARGO) bench --bench figures -- fill

.PHONY: crash
crash: ## Kills the server under load N times and checks that nothing was lost: make crash N=300
	CRASH_KILLS=$(N) $(CARGO) test --release --test crash -- --nocapture --test-threads=1

.PHONY: fuzz
fuzz: ## Mutates YAML, rules, conditions, tests, cron and templates for MINUTES, each go with a new seed: make fuzz MINUTES=60
	FUZZ_MINUTES=$(MINUTES) $(CARGO) test --release --test fuzz -- --nocapture

.PHONY: hostile
hostile: ## The hostile senders at full size: 8 GiB bodies, 5,000 idle connections
	HOSTILE=full $(CARGO) test --release --test gate -- --nocapture --test-threads=1

.PHONY: image
image: ## A container image, where a Docker engine is there
	@if docker info >/dev/null 2>&1; then docker build -t bellwire .; else echo "No Docker engine answers here, so no image was built. Start one, or build the program with: make build"; fi
