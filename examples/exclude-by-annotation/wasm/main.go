// Command wasm is the policy of the folder above as a module.
package main

import (
	excludebyannotation "github.com/snatd/snatd/examples/exclude-by-annotation"
	"github.com/snatd/snatd/sdk"
)

func init() { sdk.Register(excludebyannotation.Decide, sdk.Validate(excludebyannotation.Validate)) }

func main() {}
