# Every target installs what it needs first. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
RUN := npm run --silent
MODULES := node_modules/.package-lock.json
SOURCES := $(shell find src -name '*.ts' -o -name '*.[ch]')
VERSION := $(shell sed -n 's/^  "version": "\(.*\)",$$/\1/p' package.json)

.PHONY: help check format test test-container fuzz coverage build build-arm64 library demo e2e soak faults full size bench docs guards image copy push testpmd base-image deploy undeploy clean

help: ## This list
	@echo "userspace-cni $(VERSION)"
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

$(MODULES): package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

check: $(MODULES) ## Format, lint, types, which folder imports which
	$(RUN) lint
	$(RUN) types
	$(RUN) house

format: $(MODULES) ## Write the files in the project's format
	$(RUN) format

test: $(MODULES) ## Unit tests and behaviour suites: no root, nothing installed but npm packages
	$(RUN) test

test-container: $(MODULES) ## The same in a container of the distribution UT_OS (an image's name); IMAGE_BUILDER
	bash scripts/test-container.sh

FUZZ_SECONDS ?= 120
fuzz: export FUZZ_SECONDS := $(FUZZ_SECONDS)
fuzz: $(MODULES) ## What comes from outside, for FUZZ_SECONDS (120) of a fresh seed, or FUZZ_SEED; ONLY=target for one
	$(RUN) fuzz -- $(ONLY)

coverage: $(MODULES) ## Unit tests with coverage, in coverage/
	$(RUN) coverage

build: dist/userspace ## The executable, dist/userspace (linux-x64)

dist/userspace: $(MODULES) $(SOURCES) scripts/build.sh scripts/client.sh
	bash scripts/build.sh x64

# It was built when there was no C compiler, and there is one now.
ifneq ($(and $(wildcard .cache/without-client-x64),$(shell command -v musl-gcc)),)
.PHONY: dist/userspace
endif

build-arm64: $(MODULES) ## The executable for linux-arm64, dist/userspace-arm64
	bash scripts/build.sh arm64

library: $(MODULES) ## The library for TypeScript programs in containers, dist/library
	$(RUN) library

demo: $(MODULES) ## Add, check and delete a network without root, on an in-memory switch or, ENGINE=vpp, a VPP
	ENGINE=$(ENGINE) $(RUN) demo

e2e: $(MODULES) ## Real Open vSwitch with DPDK, packets, containerd: needs root and Debian, installs its packages
	bash scripts/install-e2e.sh
	$(MAKE) --no-print-directory build
	$(RUN) e2e

SOAK_CALLS ?= 20000
soak: $(MODULES) ## SOAK_CALLS (20000) calls through one agent: memory and descriptors stay as they are
	bash scripts/install-e2e.sh
	$(MAKE) --no-print-directory build
	SOAK_CALLS=$(SOAK_CALLS) $(RUN) e2e -- test/e2e/agent-soak.test.ts

PART ?= 1
faults: $(MODULES) ## Every step of a call going wrong in every way, on real switches; PART=3: a third, AGENT=1: also all of it through the agent
	bash scripts/install-e2e.sh
	$(MAKE) --no-print-directory build
	AGENT=$(AGENT) PART=$(PART) $(RUN) faults

full: $(MODULES) ## All of it, whole and for longer, before a release: some hours; ONLY="soak fuzz" runs these
	bash scripts/full.sh

size: $(MODULES) ## How much code each way loads, against the budget; NOTE="why" raises it
	NOTE="$(NOTE)" $(RUN) size

bench: $(MODULES) ## Speed and memory against public programs; ONLY=ovs, vpp or agent, SHORT=1 for a glance
	bash scripts/install-e2e.sh
	$(MAKE) --no-print-directory build
	$(RUN) bench

docs: $(MODULES) ## The generated pages and the JSON Schema in docs/
	$(RUN) docs

guards: $(MODULES) ## The guards of the schemas, src/**/*Guard.ts
	$(RUN) guards

# For all that is about the image, as the original had them. The builder is buildah, docker or podman.
IMAGE_REGISTRY ?= localhost/
IMAGE_VERSION ?= latest
IMAGE_BUILDER ?=
BASE_IMAGE ?=
UT_OS ?=
CNI_BIN_DIR ?= /opt/cni/bin
KUBECTL ?= kubectl
AGENT ?= on
export IMAGE_REGISTRY IMAGE_VERSION IMAGE_BUILDER BASE_IMAGE UT_OS CNI_BIN_DIR KUBECTL AGENT

image: build ## Container image with the executable; IMAGE_REGISTRY, IMAGE_VERSION, IMAGE_BUILDER
	bash scripts/image.sh build

copy: ## Put the plugin from the image into CNI_BIN_DIR of this machine
	bash scripts/image.sh copy

push: ## Push the image to IMAGE_REGISTRY
	bash scripts/image.sh push

testpmd: build ## Image of testpmd and the executable, from Debian's packages on BASE_IMAGE: an application for pods
	bash scripts/image.sh testpmd

base-image: ## Image IMAGE_REGISTRY/debian:13 made by debootstrap, where no registry can be reached
	bash scripts/image.sh base

deploy: ## Install the plugin and its agent on every node of the cluster, from the pushed image; KUBECTL, AGENT=off
	bash scripts/deploy.sh apply

undeploy: ## Remove from the cluster what deploy made; the nodes keep the plugin's files
	bash scripts/deploy.sh delete

clean: ## Remove what was built
	rm -rf dist coverage .cache
