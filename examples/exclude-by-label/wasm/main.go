// Command wasm is the policy of the folder above as a module.
package main

import (
	excludebylabel "github.com/snatd/snatd/examples/exclude-by-label"
	"github.com/snatd/snatd/sdk"
)

func init() { sdk.Register(excludebylabel.Decide, sdk.Validate(excludebylabel.Validate)) }

func main() {}
