# `make` alone shows what there is. Nothing is needed but Go and make, and a C
# compiler for the race detector (`make test`, which says so if there is none).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
GO ?= go
FUZZTIME ?= 1m
# The race detector; `make test RACE=` goes without.
RACE ?= -race
# Go would take the tests of an earlier bin/sidehook from its cache.
TESTFLAGS ?= -count=1

# How often `make kill` kills; make test does it some dozen times.
KILLS ?= 100

# Which parts `make bench` measures: proxy, compare, drain, million, isolation; all if it is empty.
# bench/main.go has what else it reads (BENCH_PAIRS, BENCH_SECONDS, …).
BENCH ?=

# Which applications `make hosts` installs and tests: names of folders in examples/hosts, commas between.
HOSTS ?= all

.PHONY: help demo run examples build test check bench kill fuzz hosts format vet caddyfiles embed compiler soak

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: build ## Play a quarter of an hour of traffic and check every webhook it causes
	@$(GO) build -o bin/demo ./examples/demo
	@bin/demo

run: build ## Leave the demo's API, Sidehook and receivers running, for curl
	@$(GO) build -o bin/demo ./examples/demo
	@bin/demo -keep

examples: build ## Play the examples' traffic against bin/sidehook and compare the webhooks with the products' documentation
	SIDEHOOK_BIN=$(CURDIR)/bin/sidehook $(GO) test $(TESTFLAGS) ./examples/...

build: ## Build bin/sidehook, a Caddy with the module in it (the first time takes minutes)
	@[ -x bin/sidehook ] || echo "building Caddy with Sidehook; the first time this takes a few minutes"
	@$(GO) build -o bin/sidehook ./cmd/sidehook

# The demo comes before the tests, so that the last lines are the tests' own.
test: format compiler vet caddyfiles embed demo ## Everything: format, vet, Caddyfiles, demo, and all tests (examples included) with the race detector
	SIDEHOOK_BIN=$(CURDIR)/bin/sidehook $(GO) test $(RACE) $(TESTFLAGS) -timeout 40m ./...

check: format vet caddyfiles ## The quick half of test: format, vet, Caddyfiles, unit tests without the race detector
	SIDEHOOK_BIN=$(CURDIR)/bin/sidehook $(GO) test -short $(TESTFLAGS) ./...

bench: build ## Measure (BENCH="proxy compare drain million isolation": all, about a quarter of an hour)
	@$(GO) build -o bin/bench ./bench
	@BENCH="$(BENCH)" bin/bench

kill: build ## Kill the process KILLS times (100) under load, with receivers that are slow and that fail
	SIDEHOOK_BIN=$(CURDIR)/bin/sidehook SIDEHOOK_KILLS=$(KILLS) $(GO) test -count=1 -timeout 60m -v -run '^TestKill' ./internal/e2e

soak: build ## Kill the process 1,000 times amid all kinds of traffic, also as it recovers
	SIDEHOOK_BIN=$(CURDIR)/bin/sidehook SIDEHOOK_KILLS=1000 $(GO) test -count=1 -timeout 120m -v -run '^TestKill$$' ./internal/e2e

fuzz: ## Run every fuzz target for FUZZTIME (1m) each
	@grep -rE --include='*_test.go' -o '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file func; do \
		name=$${func#func }; dir=$$(dirname $$file); \
		echo "== $$name in $$dir for $(FUZZTIME)"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$dir; \
	done

hosts: build ## Install real applications and compare the events with their own account of what changed (HOSTS=all)
	SIDEHOOK_BIN=$(CURDIR)/bin/sidehook SIDEHOOK_HOSTS=$(HOSTS) $(GO) test -count=1 -timeout 20m -v ./internal/hosts

openapi-client: build ## Generate a client from the API's OpenAPI document, and let it subscribe (loads the generator the first time)
	@cd internal/openapi/client && $(GO) run ./generate $(CURDIR)/bin/sidehook

format:
	@out=$$(gofmt -l .); [ -z "$$out" ] || { echo "gofmt -w would change:"; echo "$$out"; exit 1; }

vet:
	$(GO) vet ./...

caddyfiles: build
	@.ci/caddyfiles bin/sidehook

embed:
	@.ci/embed

compiler:
	@[ -z "$(RACE)" ] || command -v "$$($(GO) env CC | cut -d' ' -f1)" >/dev/null || { \
		echo "make test: there is no C compiler ($$($(GO) env CC)), and the race detector needs one."; \
		echo "Install one (Debian: apt-get install gcc libc6-dev; .ci/run does it), or go without: make test RACE="; exit 1; }
