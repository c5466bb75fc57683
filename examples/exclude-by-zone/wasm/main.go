// Command wasm is the policy of the folder above as a module.
package main

import (
	excludebyzone "github.com/snatd/snatd/examples/exclude-by-zone"
	"github.com/snatd/snatd/sdk"
)

func init() { sdk.Register(excludebyzone.Decide, sdk.Validate(excludebyzone.Validate)) }

func main() {}
