# What each target does is in the script of the same name.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help build demo test lint bench clean generate setup artifacts root

# Where downloads and built artifacts are kept, outside the checkout.
SLIPWAY_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/slipway
export SLIPWAY_CACHE
# scripts/setup puts the AWS command line here when the machine has none.
export PATH := $(SLIPWAY_CACHE)/python/bin:$(PATH):/usr/sbin:/sbin

help:
	@echo "make demo       a region with a highly available cluster on this machine (root)"
	@echo "make build      the program, at bin/slipway"
	@echo "make test       set-up, artifacts, lint, and all tests (root)"
	@echo "make lint       format, layering, script syntax"
	@echo "make bench      the measurements of docs/performance.md (root)"
	@echo "make clean      stops the region of this machine and removes what was built"
	@echo "make generate   Sources/EtcdAPI and Sources/KMSAPI from Protos"

setup:
	@scripts/setup

artifacts: setup
	@scripts/artifacts

build: setup
	@scripts/build

demo: root
	@scripts/demo

test: root artifacts lint
	@echo "building the tests (the first time takes several minutes) ..."
	@swift build --build-tests
	@# One after the other: each of the later ones wants both cores for itself.
	@swift test --skip-build --skip '^(StoreTests|SubstrateTests|SimulationTests|SystemTests)\.'
	@for part in StoreTests SubstrateTests SimulationTests SystemTests; do \
	    echo "$$part ..."; \
	    swift test --skip-build --filter "^$$part\." || exit 1; \
	done

lint:
	@scripts/lint

bench: root build artifacts
	@scripts/bench

clean:
	@if [[ -x bin/slipway ]]; then bin/slipway dev down || echo "the region could not be stopped; see 'bin/slipway dev doctor'"; fi
	@rm -rf .build bin

generate:
	@scripts/generate-protos

root:
	@[[ $$(id -u) -eq 0 ]] || { echo "error: Slipway makes network namespaces and cgroups: run this as root (sudo make ...)." >&2; exit 1; }
