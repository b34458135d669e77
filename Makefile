# Logic lives in .ci/ and in Go programs; each target here is one line.
.DEFAULT_GOAL := help
# Which bundled cloud run and demo sell: one, or all side by side.
CLOUD ?= ucloud
.PHONY: help run demo test check bench lint generate build fmt clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

run: build ## Build, start simulators and broker, play the story once, keep serving; CLOUD= as for demo
	@build/bin/tradewind demo --cloud $(CLOUD) --keep-serving --bin build/bin --work build/run --out build/demo.json

demo: build ## Play the story once with real processes, write build/demo.json, exit; CLOUD=name, or CLOUD=all
	@build/bin/tradewind demo --cloud $(CLOUD) --bin build/bin --work build/story --out build/demo.json

test: ## Everything CI tests: generated code, rules, lint, race tests, end-to-end
	@.ci/test

check: ## The quick half of test: build, vet, rules, tests without the race detector
	@.ci/check

bench: build ## Measure against bare limits in the same run, write build/bench.json
	@build/bin/tradewind-bench --bin build/bin --work build/bench --out build/bench.json

lint: ## golangci-lint and buf lint over every module
	@.ci/lint

generate: ## Regenerate protobuf code, the OpenAPI document and generated docs
	@.ci/generate

build: ## Build every binary into build/bin
	@.ci/build

fmt: ## Format all Go code
	@gofmt -w $$(git ls-files '*.go' | grep -v '/wire/providerv1/')

clean: ## Remove everything built
	@rm -rf build
