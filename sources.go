// Package snatd carries the sources of the SDKs in the program snatd, which writes them
// into the folder of a new policy. It stands here because a package can only embed what
// is below it; nothing else may live in it.
package snatd

import (
	"embed"
	"io/fs"
)

// Licence is the text of the project's.
//
//go:embed LICENSE
var Licence []byte

// Facts is the page that lists the facts.
//
//go:embed sdk/FACTS.md
var Facts []byte

// GoMod is the project's go.mod, which says what Go the SDK is built with.
//
//go:embed go.mod
var GoMod []byte

//go:embed sdk/*.go sdk/abi/*.go
//go:embed sdk/c/snat.h sdk/c/snat_mock.h sdk/c/flags
//go:embed sdk/rust/Cargo.toml sdk/rust/.cargo/config.toml sdk/rust/src sdk/rust/examples
//go:embed sdk/assemblyscript/package.json sdk/assemblyscript/host.mjs sdk/assemblyscript/assembly
var sources embed.FS

// SDK is the sources that a policy needs, by their paths in this repository.
var SDK fs.FS = sources
