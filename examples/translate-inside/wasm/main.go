// Command wasm is the policy of the folder above as a module.
package main

import (
	translateinside "github.com/snatd/snatd/examples/translate-inside"
	"github.com/snatd/snatd/sdk"
)

func init() { sdk.Register(translateinside.Decide, sdk.Validate(translateinside.Validate)) }

func main() {}
