// Package plugins carries the modules that ship inside the binary. Each has a
// folder here with its policy as a plain package, linked natively where that is
// wanted, and its package main in the folder wasm below it.
//
// No policy is decided here, and nothing of the host is imported.
package plugins

import "embed"

// built holds what `make build` compiled. In a clone that was never built it
// holds only a README, so that every package compiles and vets there too.
//
//go:embed all:built
var built embed.FS

// Default returns the default module's Wasm. It is nil in a binary that was
// built without the modules: go by the native policy then.
func Default() []byte { return module("default") }

// Routes returns the Wasm of the module in routes. It is nil in a binary that
// was built without the modules: go by the native policy then.
func Routes() []byte { return module("routes") }

func module(name string) []byte {
	wasm, err := built.ReadFile("built/" + name + ".wasm")
	if err != nil {
		return nil
	}
	return wasm
}
