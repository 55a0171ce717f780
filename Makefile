# What a contributor runs. `make help` lists it.

PYTHON ?= python3
VENV := .venv
# BuildKit's own Dockerfile parser and PyYAML: what our parsers are compared with. The schemas of Kubernetes and
# Compose: what may be no worse for a fix.
ORACLES := dockerfile==3.4.0 pyyaml==6.0.3 kubernetes-validate==1.37.0 check-jsonschema==0.39.0 jsonschema==4.26.0
ORACLE_MODULES := dockerfile, yaml, kubernetes_validate, check_jsonschema
# What the tests run against the oracles that are installed; what is not there is left out, and said so.
WITH_ORACLES = if $(VENV)/bin/python -c 'import $(ORACLE_MODULES)' 2>/dev/null; then \
		export MALLOCLINT_ORACLE_PYTHON="$(CURDIR)/$(VENV)/bin/python" MALLOCLINT_REQUIRE_ORACLES=1; \
	else \
		echo 'left out: the parsers and schemas of others (see above)'; \
	fi; \
	if [ -d target/jemalloc ]; then export MALLOCLINT_REQUIRE_JEMALLOC=1; fi;
# What packages are built and tested with.
TOOLS := .venv-packaging
# Optimised a little: the parsers are run over thousands of mutants.
PROVEN := target/proof/malloclint

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: check
check: format lint ## The short loop, a minute: style, unit tests, the shape of the crate, rules, golden output
	cargo test --locked --quiet --lib --bins
	cargo test --locked --quiet --test it -- architecture rules::
	@$(MAKE) --no-print-directory golden

.PHONY: test
test: oracles jemalloc format lint ## What CI runs: check style, all tests, and fixed samples of the oracles and builds
	@$(WITH_ORACLES) cargo test --locked --profile proof --lib --bins --test oracle
	cargo test --locked --profile proof --test it -- --skip tune::
	@# Not more of them than were looked at, on however fast a machine.
	@$(MAKE) --no-print-directory campaign MINUTES=1 MUTANTS=20000
	@$(MAKE) --no-print-directory fuzz
	@# It measures: nothing else is to run meanwhile.
	cargo test --locked --profile proof --test it -- tune::
	$(PYTHON) -B tests/tune/first_time/run.py --malloclint $(PROVEN)
	$(PYTHON) -B tests/inspect/oracle.py --malloclint $(PROVEN) --sample
	$(PYTHON) -B tests/inspect/services/run.py --malloclint $(PROVEN) --sample
	$(PYTHON) -B tests/inspect/cost.py --malloclint $(PROVEN) --sample
	$(PYTHON) -B tests/images/hostile.py --malloclint $(PROVEN)
	$(PYTHON) -B tests/golden/golden.py suite --malloclint $(PROVEN)
	$(PYTHON) -B -m unittest discover --start-directory bench/memory
	$(PYTHON) -B -m unittest discover --start-directory tests/packaging
	@$(MAKE) --no-print-directory hook
	@$(MAKE) --no-print-directory e2e

.PHONY: oracle
oracle: oracles ## Compare with all that others wrote, on every generated case
	@$(WITH_ORACLES) MALLOCLINT_WHOLE_ORACLES=1 cargo test --locked --profile proof --test oracle
	cargo build --locked --quiet --profile proof
	$(PYTHON) -B tests/inspect/oracle.py --malloclint $(PROVEN)

# The machine needs qemu-system-aarch64, mmdebstrap and root; the program a cross linker (CONTRIBUTING.md).
ARM64 := target/inspect/arm64
.PHONY: oracle-arm64
oracle-arm64: $(TOOLS) ## Hold inspect against allocators on arm64, pages of 4 and 16 KiB, in an emulated machine: an hour
	@rm -rf $(ARM64)
	@$(TOOLS)/bin/python -B packaging/build.py binary --target aarch64-unknown-linux-gnu --out $(ARM64)
	@tar -C $(ARM64) -xzf $(ARM64)/*.tar.gz --strip-components 1
	$(PYTHON) -B tests/inspect/arm64.py --malloclint $(ARM64)/malloclint
	$(PYTHON) -B tests/inspect/arm64.py --malloclint $(ARM64)/malloclint --pages 16k --only debian-13

# RUNS=n of each service, twenty if nothing is said: an hour. The cost needs 5 GiB of memory.
.PHONY: services
services: ## Ask inspect about real services that keep memory and that leak, RUNS=20; then what it costs
	cargo build --locked --quiet --profile proof
	$(PYTHON) -B tests/inspect/services/run.py --malloclint $(PROVEN) --runs $(or $(RUNS),20) --shape retention --shape leak
	$(PYTHON) -B tests/inspect/cost.py --malloclint $(PROVEN)

# SEED=n makes other mutants, JOBS=n work at the same time, MUTANT=k shows one that failed.
.PHONY: campaign
campaign: oracles ## Hold mutants of every fixture and example against what is promised of any file, for MINUTES=10
	@$(WITH_ORACLES) MINUTES=$(or $(MINUTES),10) MUTANTS=$(MUTANTS) SEED=$(SEED) JOBS=$(JOBS) MUTANT=$(MUTANT) \
		cargo test --locked --quiet --profile proof --test campaign

# They run with cargo-fuzz and a nightly compiler; any compiler tells whether they still fit.
.PHONY: fuzz
fuzz: ## Check that the fuzz targets compile
	@if cargo fetch --quiet --locked --manifest-path fuzz/Cargo.toml; then \
		cargo check --quiet --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz; \
	else \
		echo 'left out: fuzz targets (libfuzzer-sys could not be fetched)'; \
	fi

# With GOLDEN_FOLDER the clones of tests/golden/public.txt, too. UPDATE=1 writes what comes out.
.PHONY: golden
golden: ## Compare what is printed about every input of the tests with what was printed before
	@cargo build --locked --quiet
	@$(PYTHON) -B tests/golden/golden.py suite --malloclint target/debug/malloclint $(if $(UPDATE),--update)
	@$(if $(GOLDEN_FOLDER),$(PYTHON) -B tests/golden/golden.py public --malloclint target/debug/malloclint --folder $(GOLDEN_FOLDER) $(if $(UPDATE),--update))

.PHONY: formats
formats: oracles ## Hold reports against the schemas and validators of those who read them (it needs npm)
	@cargo build --locked --quiet
	@npm install --silent --no-save --no-package-lock --no-audit --no-fund --prefix target/formats @microsoft/sarif-multitool-linux@5.7.0 @umbrelladocs/rdformat-validator@1.0.1
	$(VENV)/bin/python -B tests/formats/validate.py --malloclint target/debug/malloclint --tools target/formats

.PHONY: hook
hook: ## Run the thread hook in children, real servers and programs that die of a second thread, on every Python that is here
	$(PYTHON) tests/hook/run.py

.PHONY: e2e
e2e: $(PROVEN) ## Build a sample of images before and after `fix`, and see what their Python runs on
	$(PYTHON) tests/e2e/run.py --malloclint $(PROVEN) --images
	$(PYTHON) -B tests/images/run.py --malloclint $(PROVEN) --sample

.PHONY: e2e-all
e2e-all: $(PROVEN) images ## Build all of them, and the same with images
	$(PYTHON) tests/e2e/run.py --malloclint $(PROVEN) --images --all

# The static program is for a root without a C library.
STATIC := target/images/static
.PHONY: images
images: $(TOOLS) $(PROVEN) ## Hold `image check` against engines, registries and loaders, wherever an image is kept: an hour
	@rm -rf $(STATIC)
	@$(TOOLS)/bin/python -B packaging/build.py binary --out $(STATIC)
	@tar -C $(STATIC) -xzf $(STATIC)/*.tar.gz --strip-components 1
	$(PYTHON) -B tests/images/run.py --malloclint $(PROVEN) --static $(STATIC)/malloclint

.PHONY: packaging
packaging: $(TOOLS) crate ## Build the packages, install them, and run hooks and action as users do: twenty minutes
	$(TOOLS)/bin/python -B -m unittest discover --verbose --start-directory tests/packaging
	$(TOOLS)/bin/python -B -m unittest discover --verbose --start-directory tests/packaging --pattern 'whole_*.py'

.PHONY: wheel
wheel: $(TOOLS) ## Build the wheel for this machine into dist/; on Linux it needs no library of the system
	@$(TOOLS)/bin/python -B packaging/build.py wheel

.PHONY: wheel-arm64
wheel-arm64: $(TOOLS) ## The same for Linux on arm64, with a cross linker (CONTRIBUTING.md)
	@$(TOOLS)/bin/python -B packaging/build.py wheel --target aarch64-unknown-linux-gnu

.PHONY: static
static: $(TOOLS) ## An archive with the program of that wheel, for those without Python
	@$(TOOLS)/bin/python -B packaging/build.py binary

.PHONY: sdist
sdist: $(TOOLS) ## The source package for Python
	@$(TOOLS)/bin/python -B packaging/build.py sdist

.PHONY: crate
crate: ## Pack the crate as the Rust registry gets it, and build it from there
	cargo package --locked --allow-dirty --quiet

.PHONY: $(PROVEN)
$(PROVEN):
	@cargo test --locked --quiet --profile proof --no-run

.PHONY: format
format: ## Check the formatting
	@if cargo fmt --version >/dev/null 2>&1; then \
		cargo fmt --check; \
	else \
		echo 'left out: formatting (rustfmt is not installed: rustup component add rustfmt)'; \
	fi

.PHONY: lint
lint: ## Run clippy
	@if cargo clippy --version >/dev/null 2>&1; then \
		cargo clippy --locked --quiet --all-targets -- -D warnings \
		&& cargo clippy --locked --quiet --lib --no-default-features -- -D warnings; \
	else \
		echo 'left out: lints (clippy is not installed: rustup component add clippy)'; \
	fi

.PHONY: bench
bench: ## Measure speed, memory and size, beside hadolint and tally where they can be installed
	cargo bench --locked --bench parser
	$(PYTHON) benches/side_by_side.py
	$(PYTHON) -B benches/images.py --malloclint target/release/malloclint
	$(PYTHON) -B benches/patched.py --malloclint target/release/malloclint

.PHONY: bench-threads
bench-threads: ## Measure what allocator settings cost threads: a minute, on an idle machine
	$(PYTHON) bench/threads/run.py

.PHONY: bench-memory
bench-memory: ## Measure memory, CPU and time of real servers under every allocator setting: hours, on an idle machine
	$(PYTHON) bench/memory/run.py

.PHONY: clean
clean: ## Remove what was built and installed here
	cargo clean
	rm -rf $(VENV) $(VENV)-bench $(TOOLS) dist

# A part that cannot be installed is left out, and said so; it never stops the rest.
.PHONY: oracles
oracles:
	@$(VENV)/bin/python -c 'import $(ORACLE_MODULES)' 2>/dev/null \
		|| $(MAKE) --no-print-directory install-oracles \
		|| echo 'left out: $(ORACLES) could not be installed (it needs Python with venv, pip and the network)'
	@$(PYTHON) tests/malloc_conf/libraries.py \
		|| if [ "$${CI:-}" = true ]; then exit 1; else echo 'left out: the comparison with jemalloc (it needs mmdebstrap and qemu-user on Linux, amd64)'; fi

# `tune` is tested with the real library.
.PHONY: jemalloc
jemalloc:
	@if ! PATH="$$PATH:/sbin" ldconfig -p 2>/dev/null | grep -q libjemalloc.so.2; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo 'installing libjemalloc2'; \
			{ apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install -y libjemalloc2; } >/dev/null; \
		else \
			echo 'left out: tests of tune with jemalloc (install libjemalloc2)'; \
		fi; \
	fi

.PHONY: install-oracles
install-oracles:
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		&& [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo 'installing python3-venv'; \
		{ apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install -y python3-venv; } >/dev/null; \
	fi
	@$(PYTHON) -m venv $(VENV) >/dev/null
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: $(ORACLES)

$(TOOLS): packaging/maturin.txt packaging/tools.txt
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement packaging/maturin.txt
	@$@/bin/python -m pip install --quiet --disable-pip-version-check --requirement packaging/tools.txt
	@touch $@
