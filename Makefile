# Everything here needs git, make and Go only; what a target needs beyond says so.

GO ?= go
GO_TEST ?= $(GO) test
# The tests of the daemon take minutes, and more beside other work.
TESTFLAGS ?= -timeout 30m
# Static binaries whose bytes follow from the sources and the Go that compiles them: no
# path of the machine, and nothing that Go notes of the clone, which an archive of the
# same sources has not.
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false
# A policy module: WebAssembly with WASI preview 1, as a reactor.
MODULE = GOOS=wasip1 GOARCH=wasm $(BUILD) -buildmode=c-shared -ldflags="-s -w"

# What snatd version says; outside of a clone, nothing unless it is given. The length of
# an abbreviated commit would depend on what else is in the clone.
VERSION := $(shell git describe --tags --always --dirty --abbrev=12 2>/dev/null)
COMMIT := $(shell git describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null)
SNATD = $(BUILD) -ldflags="-s -w -X main.release=$(VERSION) -X main.commit=$(COMMIT)"

# The examples, each in its folder. All of them in the binary would be 20 MiB: the
# demo and the benchmarks need only those that are embedded.
EXAMPLES = egress-address exclude-by-annotation exclude-by-label exclude-by-namespace exclude-by-zone exclude-cidrs \
	exclude-except exclude-prefix-list translate-inside translate-only wat
EMBEDDED = exclude-by-label exclude-cidrs

# Those that are in the binary, and all.
CARRIED = plugins/built/default.wasm plugins/built/routes.wasm $(EMBEDDED:%=examples/embedded/%.wasm)
MODULES = $(CARRIED) $(EXAMPLES:%=examples/built/%.wasm)
SDK_SOURCES = go.mod $(shell find sdk -name '*.go' -not -name '*_test.go')

# What tests need and is built once is kept outside of the clone, under a name for what
# it is built from, and found there by the tests.
KEPT = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/snatd

# The API server that tests run against, its etcd, and kubectl.
KUBE = test/kube/apiserver
KUBE_BUILT = $(KEPT)/kube-$(shell sha256sum $(KUBE)/go.sum | cut -c1-16)

# Earlier versions, which tests upgrade from and go back to: the commits that the test names.
OLDER = $(shell grep -oE '\b[0-9a-f]{40}\b' test/upgrade_versions_test.go)

# A Debian that tests boot, of these packages. It is kept like the API server.
DEBIAN = test/debian.packages
DEBIAN_BUILT = $(KEPT)/debian-$(shell sha256sum $(DEBIAN) | cut -c1-16)

# What lists the modules of a binary; it notes no time, and no number of its own. Its
# version is pinned, with all that it is made of, in a Go module of its own. It is built
# like snatd, because it writes the hash of itself into the list.
SBOM = bin/cyclonedx-gomod

# Modules of the conformance suite, from today's sources, as LANGUAGE-KIND.wasm.
TCK = sdk/tck/built
RAW = clang @sdk/c/flags -Wall -Wextra -Werror -Isdk/c
MISFITS = unknown-function unknown-module unknown-version other-signature files no-decide other-decide

.PHONY: build release demo test bench older kube-apiserver debian lint generate clean modules modules-go modules-c modules-rust modules-assemblyscript

build: $(MODULES)
	$(SNATD) -o bin/snatd ./host

plugins/built/%.wasm: $(SDK_SOURCES) $(shell find plugins -name '*.go' -not -name '*_test.go')
	$(MODULE) -o $@ ./plugins/$*/wasm

.SECONDEXPANSION:
examples/built/%.wasm: $(SDK_SOURCES) $$(shell find examples/$$* -name '*.go' -not -name '*_test.go')
	$(MODULE) -o $@ ./examples/$*/wasm

# Committed beside its text, since its assembler is not needed here; a test holds the
# two against each other.
examples/built/wat.wasm: examples/wat/policy.wasm
	cp $< $@

examples/embedded/%.wasm: examples/built/%.wasm
	cp $< $@

# The SDKs' modules in every language; what each needs beside Go is in its folder's
# README. The first language whose compiler is missing ends it.
modules: modules-go modules-c modules-rust modules-assemblyscript

modules-go:
	$(MODULE) -o $(TCK)/go-sample.wasm ./sdk/tck/sample/wasm
	$(MODULE) -o $(TCK)/go-probe.wasm ./sdk/tck/probe/wasm

modules-c:
	$(MAKE) -C sdk/c OUT=$(abspath $(TCK))
	$(RAW) -o $(TCK)/c-raw.wasm sdk/tck/raw/raw.c
	for m in $(MISFITS); do $(RAW) -D$$(echo $$m | tr a-z- A-Z_) -o $(TCK)/c-$$m.wasm sdk/tck/raw/misfit.c || exit; done

modules-rust modules-assemblyscript: modules-%:
	$(MAKE) -C sdk/$* OUT=$(abspath $(TCK))

# The main job on real packets, in a VPC simulated on this machine.
demo: build
	bin/snatd demo

# What is published, in dist/: static binaries for both architectures, for any processor
# of these, the bill of materials of each, and the sums of all. Two of the same VERSION
# and COMMIT, with the same Go, are the same bytes. The image is made of this, as
# examples/deploy/README.md says. What was built before, with another Go perhaps, does not
# count.
release:
	rm -rf dist $(CARRIED) $(EMBEDDED:%=examples/built/%.wasm) $(SBOM)
	$(MAKE) --no-print-directory $(CARRIED) $(SBOM)
	$(foreach arch,$(ARCHITECTURES),$(call publish,$(arch)))
	cd dist && sha256sum * > SHA256SUMS

ARCHITECTURES = amd64 arm64
PUBLISHED = dist/snatd-$(or $(VERSION),unknown)-linux-$(1)
define publish
	GOOS=linux GOARCH=$(1) GOAMD64=v1 GOARM64=v8.0 $(SNATD) -o $(PUBLISHED) ./host
	$(SBOM) bin -json -std -noserial -notimestamp -version "$(VERSION)" -output $(PUBLISHED).cdx.json $(PUBLISHED)

endef

$(SBOM): examples/deploy/sbom/go.sum
	cd $(<D) && $(BUILD) -o "$(CURDIR)/$@" tool

# All tests. What needs a tool that is missing is said at the end, where everybody sees
# it, with what to install; with CI=true a missing tool fails the tests that need it.
test: build older
	$(GO_TEST) $(TESTFLAGS) ./...
	@test/missing.sh
	@command -v helm >/dev/null || echo "not run: the chart in examples/deploy, for helm is missing. To run it: go install helm.sh/helm/v3/cmd/helm@v3.22.0"
	@[ -x $(KUBE_BUILT)/kube-apiserver ] || echo "not run: tests with a real API server. To run them: make kube-apiserver"
	@command -v systemd-nspawn >/dev/null && [ -e $(DEBIAN_BUILT) ] || echo "not run: the systemd unit in a booted Debian. To run it as root: apt-get install systemd-container debootstrap && make debian"

# Ratios within one run; SMOKE=1 runs each measurement once.
bench: build
	$(GO) run ./test/bench $(if $(SMOKE),-smoke)

older: $(OLDER:%=$(KEPT)/older-%)

# As it was built then. A clone without that commit goes without.
$(KEPT)/older-%:
	@if ! git cat-file -e $*^{commit} 2>/dev/null; then \
		echo "not built: snatd of the commit $*, which is not in this clone: tests of upgrades start one version over and over"; \
	else \
		rm -rf $@.tree && mkdir -p $@.tree && git archive $* | tar -x -C $@.tree && \
		$(MAKE) --no-print-directory -C $@.tree build && mv $@.tree/bin/snatd $@ && rm -r $@.tree; \
	fi

# Takes 8 minutes on two cores the first time, and nothing after.
kube-apiserver: $(KUBE_BUILT)/etcd $(KUBE_BUILT)/kube-apiserver $(KUBE_BUILT)/kubectl

$(KUBE_BUILT)/etcd:
	mkdir -p $(@D)
	cd $(KUBE) && $(BUILD) -ldflags="-s -w" -o $@.new go.etcd.io/etcd/server/v3 && mv $@.new $@

# The version is what the server says of itself, and goes by when it decides which
# features are on.
$(KUBE_BUILT)/kube-apiserver $(KUBE_BUILT)/kubectl:
	mkdir -p $(@D)
	cd $(KUBE) && version=$$($(GO) list -m -f '{{.Version}}' k8s.io/kubernetes) && \
	$(BUILD) -ldflags="-s -w -X k8s.io/component-base/version.gitVersion=$$version" -o $@.new k8s.io/kubernetes/cmd/$(@F) && mv $@.new $@

# Takes a minute the first time, needs root and debootstrap. What is mounted on the way
# goes with the mount namespace.
debian: $(DEBIAN_BUILT)

$(DEBIAN_BUILT):
	mkdir -p $(@D)
	rm -rf $@.new
	unshare --mount debootstrap --variant=minbase --include=$$(paste -sd, $(DEBIAN)) bookworm $@.new >$@.log || { cat $@.log; exit 1; }
	rm -r $@.new/var/cache/apt $@.new/var/lib/apt/lists $@.log
	mv $@.new $@

lint: build
	gofmt -l . | tee /dev/stderr | wc -l | grep -qx 0
	$(GO) vet ./...
	golangci-lint run ./...

generate:
	$(GO) generate ./...

clean:
	rm -rf bin dist $(MODULES) sdk/tck/built sdk/c/built sdk/rust/built sdk/assemblyscript/built
