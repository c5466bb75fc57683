# Everything here needs git, make and Go only; what a target needs beyond says so.

GO ?= go
GO_TEST ?= $(GO) test
# Static binaries that carry no path of the machine they were built on.
BUILD = CGO_ENABLED=0 $(GO) build -trimpath
# A policy module: WebAssembly with WASI preview 1, as a reactor.
MODULE = GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 $(GO) build -buildmode=c-shared -trimpath -ldflags="-s -w"

MODULES = plugins/built/default.wasm examples/built/exclude-cidrs.wasm
SDK_SOURCES = go.mod $(shell find sdk -name '*.go' -not -name '*_test.go')

.PHONY: build demo test bench lint generate clean

build: $(MODULES)
	$(BUILD) -ldflags="-s -w" -o bin/snatd ./host

plugins/built/%.wasm: $(SDK_SOURCES) $(shell find plugins -name '*.go' -not -name '*_test.go')
	$(MODULE) -o $@ ./plugins/$*/wasm

examples/built/%.wasm: $(SDK_SOURCES) $(shell find examples -name '*.go' -not -name '*_test.go')
	$(MODULE) -o $@ ./examples/$*/wasm

# The main job on real packets, in a VPC simulated on this machine.
demo: build
	bin/snatd demo

# All tests. Those that compare with nft, iptables and the like say what to
# install where it is missing; with CI=true a missing tool fails them.
test: build
	$(GO_TEST) $(TESTFLAGS) ./...

# Ratios within one run; SMOKE=1 runs each measurement once.
bench: build
	$(GO) run ./test/bench $(if $(SMOKE),-smoke)

lint: build
	gofmt -l . | tee /dev/stderr | wc -l | grep -qx 0
	$(GO) vet ./...
	golangci-lint run ./...

generate:
	$(GO) generate ./...

clean:
	rm -rf bin $(MODULES)
