// Command wasm is the policy of the folder above as a module.
package main

import (
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/tck/probe"
)

func init() { sdk.Register(probe.Decide) }

func main() {}
