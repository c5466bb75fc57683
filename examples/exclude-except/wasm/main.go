// Command wasm is the policy of the folder above as a module.
package main

import (
	excludeexcept "github.com/snatd/snatd/examples/exclude-except"
	"github.com/snatd/snatd/sdk"
)

func init() { sdk.Register(excludeexcept.Decide, sdk.Validate(excludeexcept.Validate)) }

func main() {}
