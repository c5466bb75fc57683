// Command wasm is the policy of the folder above as a module.
package main

import (
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/tck/sample"
)

func init() { sdk.Register(sample.Decide, sdk.Validate(sample.Validate)) }

func main() {}
