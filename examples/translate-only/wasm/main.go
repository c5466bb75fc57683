// Command wasm is the policy of the folder above as a module.
package main

import (
	translateonly "github.com/snatd/snatd/examples/translate-only"
	"github.com/snatd/snatd/sdk"
)

func init() { sdk.Register(translateonly.Decide, sdk.Validate(translateonly.Validate)) }

func main() {}
