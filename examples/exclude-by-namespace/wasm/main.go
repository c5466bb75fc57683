// Command wasm is the policy of the folder above as a module.
package main

import (
	excludebynamespace "github.com/snatd/snatd/examples/exclude-by-namespace"
	"github.com/snatd/snatd/sdk"
)

func init() { sdk.Register(excludebynamespace.Decide, sdk.Validate(excludebynamespace.Validate)) }

func main() {}
