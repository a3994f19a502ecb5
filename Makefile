# Every target installs what it needs first. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
RUN := npm run --silent
MODULES := node_modules/.package-lock.json
SOURCES := $(shell find src -name '*.ts')
VERSION := $(shell sed -n 's/^  "version": "\(.*\)",$$/\1/p' package.json)

.PHONY: help check format test coverage build build-arm64 library demo e2e bench docs image copy push deploy undeploy clean

help: ## This list
	@echo "userspace-cni $(VERSION)"
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

$(MODULES): package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

check: $(MODULES) ## Format, lint, types
	$(RUN) lint
	$(RUN) types

format: $(MODULES) ## Write the files in the project's format
	$(RUN) format

test: $(MODULES) ## Unit tests and behaviour suites: no root, nothing installed but npm packages
	$(RUN) test

coverage: $(MODULES) ## The same with coverage, in coverage/
	$(RUN) coverage

build: dist/userspace ## The executable, dist/userspace (linux-x64)

dist/userspace: $(MODULES) $(SOURCES) scripts/build.sh
	bash scripts/build.sh x64

build-arm64: $(MODULES) ## The executable for linux-arm64, dist/userspace-arm64
	bash scripts/build.sh arm64

library: $(MODULES) ## The library for TypeScript programs in containers, dist/library
	$(RUN) library

demo: $(MODULES) ## Add, check and delete a network without root, on an in-memory switch or, ENGINE=vpp, a VPP
	ENGINE=$(ENGINE) $(RUN) demo

e2e: build ## Real Open vSwitch with DPDK, packets, containerd: needs root and Debian, installs its packages
	bash scripts/install-e2e.sh
	$(RUN) e2e

bench: build ## Speed and memory against public programs, as ratios; ONLY=ovs or ONLY=vpp for one switch
	bash scripts/install-e2e.sh
	$(RUN) bench

docs: $(MODULES) ## The generated pages and the JSON Schema in docs/
	$(RUN) docs

# For all that is about the image, as the original had them. The builder is buildah, docker or podman.
IMAGE_REGISTRY ?= localhost/
IMAGE_VERSION ?= latest
IMAGE_BUILDER ?=
CNI_BIN_DIR ?= /opt/cni/bin
export IMAGE_REGISTRY IMAGE_VERSION IMAGE_BUILDER CNI_BIN_DIR
KUBECTL ?= kubectl

image: build ## Container image with the executable; IMAGE_REGISTRY, IMAGE_VERSION, IMAGE_BUILDER
	bash scripts/image.sh build

copy: ## Put the plugin from the image into CNI_BIN_DIR of this machine
	bash scripts/image.sh copy

push: ## Push the image to IMAGE_REGISTRY
	bash scripts/image.sh push

deploy: ## Install the plugin on every node of the cluster, from the pushed image
	$(KUBECTL) kustomize examples/kubernetes | \
	  sed "s|localhost/userspacecni:latest|$$(bash scripts/image.sh name)|" | $(KUBECTL) apply -f -

undeploy: ## Remove from the cluster what deploy made; the nodes keep the plugin's files
	$(KUBECTL) delete --ignore-not-found -k examples/kubernetes

clean: ## Remove what was built
	rm -rf dist coverage .cache
