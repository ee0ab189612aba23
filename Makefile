# `make help` names every target in a line.

CARGO ?= cargo
# Rounds of `make crash`: each kills the server once. `make test` runs a short form of it.
N ?= 300
# Minutes of `make fuzz`.
MINUTES ?= 60
IMAGE ?= bellwire

.DEFAULT_GOAL := help
.PHONY: help run build test lint bench crash fuzz hostile image audit setup

help: ## Name every target in a line
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | awk -F'|' '{ printf "  make %-9s %s\n", $$1, $$2 }'

run: ## Build and see it work: one missed call becomes a note, in a stand-in for Groove
	$(CARGO) run --release --locked -- demo

build: ## Build the release binary, target/release/bellwire
	$(CARGO) build --release --locked

test: ## Everything that must hold before a change lands, on SQLite and PostgreSQL
	@.ci/stage setup .ci/setup
	@.ci/stage format $(CARGO) fmt --check
	@.ci/stage clippy $(CARGO) clippy --all-targets --locked -- -D warnings
	@.ci/stage build $(CARGO) test --no-run --locked
	@.ci/stage tests $(CARGO) test --locked

lint: ## Format, clippy, the floors of the house, and cargo-deny and typos where they are installed
	@.ci/stage format $(CARGO) fmt --check
	@.ci/stage clippy $(CARGO) clippy --all-targets --locked -- -D warnings
	@.ci/stage layers $(CARGO) test --locked --test layers
	@if command -v cargo-deny >/dev/null; then .ci/stage deny $(CARGO) deny check bans licenses sources; \
	else echo "lint: cargo-deny is not installed, so licences and bans were not checked"; fi
	@if command -v typos >/dev/null; then .ci/stage typos typos; \
	else echo "lint: typos is not installed, so spelling was not checked"; fi

bench: ## The figures, as ratios of one run, with the disk's own fsync beside them
	$(CARGO) test --release --locked --test bench -- --ignored --nocapture --test-threads=1

crash: ## Kill the server under load N times (N=300) and check that nothing was lost, stuck or doubled
	CRASH_ROUNDS=$(N) $(CARGO) test --locked --test crash -- --nocapture --test-threads=1

fuzz: ## Mutate templates and payloads for MINUTES (MINUTES=60)
	FUZZ_MINUTES=$(MINUTES) $(CARGO) test --release --locked --test fuzz -- --nocapture --test-threads=1

hostile: ## A hostile sender at full size: slow, huge and many requests
	$(CARGO) test --release --locked --test hostile -- --ignored --nocapture --test-threads=1

image: ## Build the container image (IMAGE=bellwire)
	@if ! docker info >/dev/null 2>&1; then \
		echo "image: no Docker engine answers here, so no image was built. Install or start Docker and try again." >&2; exit 1; fi
	docker build --tag $(IMAGE) .

audit: ## Known vulnerabilities of what we build on
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny check advisories; \
	elif command -v cargo-audit >/dev/null; then $(CARGO) audit; \
	else echo "audit: install cargo-deny first: cargo install --locked cargo-deny" >&2; exit 1; fi

setup: ## Install what the tests need (postgresql, strace, ca-certificates) where it is missing
	@.ci/setup
