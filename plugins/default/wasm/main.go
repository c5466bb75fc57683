// Command wasm is the default policy as a module.
package main

import (
	defaultpolicy "github.com/snatd/snatd/plugins/default"
	"github.com/snatd/snatd/sdk"
)

func init() { sdk.Register(defaultpolicy.Decide) }

func main() {}
