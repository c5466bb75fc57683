# Everything here needs git, make and Go only; what a target needs beyond says so.

GO ?= go
GO_TEST ?= $(GO) test
# The tests of the daemon take minutes, and more beside other work.
TESTFLAGS ?= -timeout 30m
# Static binaries that carry no path of the machine they were built on.
BUILD = CGO_ENABLED=0 $(GO) build -trimpath
# A policy module: WebAssembly with WASI preview 1, as a reactor.
MODULE = GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 $(GO) build -buildmode=c-shared -trimpath -ldflags="-s -w"

# The examples, each in its folder. All of them in the binary would be 20 MiB: the
# demo and the benchmarks need only those that are embedded.
EXAMPLES = egress-address exclude-by-annotation exclude-by-label exclude-by-namespace exclude-by-zone exclude-cidrs \
	exclude-except exclude-prefix-list translate-inside translate-only wat
EMBEDDED = exclude-by-label exclude-cidrs

MODULES = plugins/built/default.wasm plugins/built/routes.wasm \
	$(EXAMPLES:%=examples/built/%.wasm) $(EMBEDDED:%=examples/embedded/%.wasm)
SDK_SOURCES = go.mod $(shell find sdk -name '*.go' -not -name '*_test.go')

# The API server that tests run against, its etcd, and kubectl. They are kept outside
# of the clone, under a name for what they are built from, and found there by
# test/kube.
KUBE = test/kube/apiserver
KUBE_BUILT = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/snatd/kube-$(shell sha256sum $(KUBE)/go.sum | cut -c1-16)

# Modules of the conformance suite, from today's sources, as LANGUAGE-KIND.wasm.
TCK = sdk/tck/built
RAW = clang @sdk/c/flags -Wall -Wextra -Werror -Isdk/c
MISFITS = unknown-function unknown-module unknown-version other-signature files no-decide other-decide

.PHONY: build demo test bench kube-apiserver lint generate clean modules modules-go modules-c modules-rust modules-assemblyscript

build: $(MODULES)
	$(BUILD) -ldflags="-s -w" -o bin/snatd ./host

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

# All tests. Those that compare with nft, iptables and the like say what to
# install where it is missing; with CI=true a missing tool fails them. The SDKs'
# languages that were not tested are said at the end too, where everybody sees them, and
# so are the example in WebAssembly text, the alerts and the dashboard, and what needs a
# browser, curl or other shells.
test: build
	$(GO_TEST) $(TESTFLAGS) ./...
	@test/sdk/missing.sh
	@command -v wat2wasm >/dev/null || echo "not run: the text of examples/wat against its module, for wat2wasm is missing. To run it: apt-get install wabt"
	@command -v promtool >/dev/null || echo "not run: alerts and dashboard in examples/prometheus, for promtool is missing. To run it: apt-get install prometheus"
	@command -v helm >/dev/null || echo "not run: the chart in examples/deploy, for helm is missing. To run it: go install helm.sh/helm/v3/cmd/helm@v3.22.0"
	@for tool in chromium curl zsh fish; do command -v $$tool >/dev/null || echo "not run: tests with $$tool, which is missing. To run them: apt-get install $$tool"; done

# Ratios within one run; SMOKE=1 runs each measurement once.
bench: build
	$(GO) run ./test/bench $(if $(SMOKE),-smoke)

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

lint: build
	gofmt -l . | tee /dev/stderr | wc -l | grep -qx 0
	$(GO) vet ./...
	golangci-lint run ./...

generate:
	$(GO) generate ./...

clean:
	rm -rf bin $(MODULES) sdk/tck/built sdk/c/built sdk/rust/built sdk/assemblyscript/built
