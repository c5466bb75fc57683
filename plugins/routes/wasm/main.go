// Command wasm is the policy of the folder above as a module.
package main

import (
	routespolicy "github.com/snatd/snatd/plugins/routes"
	"github.com/snatd/snatd/sdk"
)

func init() { sdk.Register(routespolicy.Decide) }

func main() {}
