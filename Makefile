# SPDX-License-Identifier: Apache-2.0
.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# Asked for at each recipe: `setup` may have linked a toolchain for the runtime's WebAssembly.
CARGO = env $$(scripts/wasm-toolchain.sh) cargo
# All targets of all members, always: another selection of packages means other features, and
# compiles the whole SDK once more.
ALL := --workspace --all-targets --locked
BIN = $(or $(CARGO_TARGET_DIR),target)/debug

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

.PHONY: setup
setup: ## Install what a build needs and the machine lacks
	@scripts/setup.sh

.PHONY: build
build: setup ## Build everything
	$(CARGO) build $(ALL)

.PHONY: demo
demo: build ## Run a network, protect a file, lose two enclaves, recover it (FILE=… takes any)
	@$(BIN)/tee demo $(if $(FILE),--file "$(FILE)")

.PHONY: devnet
devnet: build ## Run a network of one node and five enclaves until Ctrl-C
	@$(BIN)/tee devnet up

.PHONY: test
test: format build lint test-unit test-attestation test-benchmarks test-e2e ## Check format and lints, run all tests

.PHONY: format
format: setup ## Check the format
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path zombienet/Cargo.toml --check

.PHONY: lint
lint: build ## Run clippy, warnings denied
	$(CARGO) clippy $(ALL) -- -D warnings

.PHONY: test-unit
test-unit: build ## Run the unit tests
	$(CARGO) test --workspace --locked --lib --bins

# Integration tests of the verifier and the simulator.
ATTESTATION := certificates corpus differential every_byte faults layout moments sample stricter \
	work binary format oracle pccs production
.PHONY: test-attestation
test-attestation: build ## Test the verifier of quotes against dcap-qvl, Intel's sample and every fault
	$(CARGO) test --workspace --locked $(ATTESTATION:%=--test %)

.PHONY: test-e2e
test-e2e: build ## Run the end-to-end tests: real node, real enclaves
	@scripts/setup.sh --tests
	$(CARGO) test --workspace --locked --test guards
	$(CARGO) test --workspace --locked --test demo --test network -- --test-threads=1
	$(CARGO) test --workspace --locked --test networks -- --test-threads=2

.PHONY: test-long
test-long: build ## Run the tests that take minutes: attestations that expire and recover, kills, attacks
	$(CARGO) test --workspace --locked --test long -- --nocapture --test-threads=1

# Needs cargo-fuzz, and the compiler's unstable instrumentation.
.PHONY: fuzz
fuzz: ## Fuzz the parsers of quotes and collateral, ten minutes each
	cd attestation && for target in quote collateral; do \
		mkdir -p fuzz/target/finds/$$target; \
		RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir fuzz $$target fuzz/target/finds/$$target \
			fuzz/corpus/$$target -- -max_total_time=$(or $(FUZZ_SECONDS),600) -max_len=16384; \
	done

# zombienet is a workspace of its own, with another subxt: see zombienet/Cargo.toml.
.PHONY: zombienet-smoke
zombienet-smoke: build ## Start four validators by zombienet: all author, finalize and agree
	PATH="$(abspath $(BIN)):$$PATH" $(CARGO) run --locked --target-dir $(BIN)/../zombienet --manifest-path zombienet/Cargo.toml

# With features that the node is not built with, so the SDK is compiled once more.
BENCHMARKED := attestation mandate nft rent tee validator-set
.PHONY: test-benchmarks
test-benchmarks: setup ## Run the pallets' benchmarks as tests, and their tests with try-runtime
	SKIP_WASM_BUILD=1 $(CARGO) test --locked --lib $(BENCHMARKED:%=-p pallet-%) \
		--features '$(BENCHMARKED:%=pallet-%/runtime-benchmarks) $(BENCHMARKED:%=pallet-%/try-runtime)'

.PHONY: weights
weights: setup ## Measure what calls weigh and write runtime/src/weights (needs frame-omni-bencher)
	scripts/weights.sh

.PHONY: bench-chain
bench-chain: build ## Print how many keyshares a block syncs
	@$(CARGO) test --quiet --workspace --locked --lib -- --nocapture throughput:: | grep -A2 'synced per block'

# Optimised, and for the enclave alone: a build of its own.
.PHONY: bench-enclave
bench-enclave: setup ## Print what requests cost an enclave, and its memory (takes 4 GB of disk)
	$(CARGO) test --release --locked --target-dir $(BIN)/../bench -p tee-enclave --lib -- \
		--ignored --nocapture --test-threads=1 api::tests::bench::

.PHONY: bench-sync
bench-sync: setup ## Print how fast a slot of 100,000 shares is filled (SHARES=… takes others)
	$(CARGO) test --release --locked --target-dir $(BIN)/../bench -p tee-enclave --lib -- \
		--ignored --nocapture sync::tests::bench::

.PHONY: contract
contract: setup ## Write anew what tests compare metadata, errors, the API and made-up hardware with
	TEE_WRITE_CONTRACT=1 $(CARGO) test --quiet --workspace --locked --lib -- contract:: errors:: fixtures::
	TEE_WRITE_CONTRACT=1 $(CARGO) test --quiet --workspace --locked --test corpus

# The tool comes from Python's index, so this is not part of `make test`: there, requests are made from
# the document by a test of our own. Refused are most requests that the document allows, since nobody
# can sign by a pattern: that is no finding.
VENV := $(BIN)/../openapi-fuzz
.PHONY: openapi-fuzz
openapi-fuzz: build ## Let schemathesis look for requests that make an enclave fail (needs Python)
	test -x $(VENV)/bin/schemathesis || python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet schemathesis==4.32.5
	TEE_SCHEMATHESIS=$(abspath $(VENV))/bin/schemathesis \
	TEE_SCHEMATHESIS_ARGS='--exclude-checks=positive_data_acceptance --max-examples=$(or $(EXAMPLES),200)' \
		$(CARGO) test --workspace --locked --lib -- --ignored --nocapture --exact \
		api::tests::conformance::schemathesis_finds_no_server_error

.PHONY: deny
deny: ## Check licences, bans and sources of dependencies (needs cargo-deny)
	cargo deny check licenses bans sources

.PHONY: clean
clean: ## Remove what was built
	$(CARGO) clean
