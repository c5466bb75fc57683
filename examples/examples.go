// Package examples carries drop-ins for real needs as built modules: for the
// demo and for tests, which load them as an operator would. Each has a folder
// here with its policy, its package main, a sidecar file and a page about it.
//
// Examples import the SDK and the standard library, as anyone's policy does.
package examples

import "embed"

// built holds what `make build` compiled. In a clone that was never built it
// holds only a README, so that every package compiles and vets there too.
//
//go:embed all:built
var built embed.FS

// ExcludeByLabel returns the Wasm of the module in exclude-by-label. It is nil
// in a binary that was built without the modules.
func ExcludeByLabel() []byte { return module("exclude-by-label") }

// ExcludeCIDRs returns the Wasm of the module in exclude-cidrs. It is nil in a
// binary that was built without the modules.
func ExcludeCIDRs() []byte { return module("exclude-cidrs") }

func module(name string) []byte {
	wasm, err := built.ReadFile("built/" + name + ".wasm")
	if err != nil {
		return nil
	}
	return wasm
}
