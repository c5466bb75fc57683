// Command wasm is the policy of the folder above as a module.
package main

import (
	excludecidrs "github.com/snatd/snatd/examples/exclude-cidrs"
	"github.com/snatd/snatd/sdk"
)

func init() { sdk.Register(excludecidrs.Decide, sdk.Validate(excludecidrs.Validate)) }

func main() {}
