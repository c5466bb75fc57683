// Package examples carries the drop-ins that the demo and the benchmarks load, as
// built modules. Each example has a folder here with its policy, its package main, a
// sidecar file, cases and a page about it; README.md lists them all.
//
// Examples import the SDK and the standard library, as anyone's policy does.
package examples

import "embed"

// embedded holds copies of some of what `make build` compiled. In a clone that was
// never built it holds only a README, so that every package compiles and vets there
// too.
//
//go:embed all:embedded
var embedded embed.FS

// ExcludeByLabel returns the Wasm of the module in exclude-by-label. It is nil
// in a binary that was built without the modules.
func ExcludeByLabel() []byte { return module("exclude-by-label") }

// ExcludeCIDRs returns the Wasm of the module in exclude-cidrs. It is nil in a
// binary that was built without the modules.
func ExcludeCIDRs() []byte { return module("exclude-cidrs") }

func module(name string) []byte {
	wasm, err := embedded.ReadFile("embedded/" + name + ".wasm")
	if err != nil {
		return nil
	}
	return wasm
}
