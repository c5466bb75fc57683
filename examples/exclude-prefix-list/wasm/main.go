// Command wasm is the policy of the folder above as a module.
package main

import (
	excludeprefixlist "github.com/snatd/snatd/examples/exclude-prefix-list"
	"github.com/snatd/snatd/sdk"
)

func init() { sdk.Register(excludeprefixlist.Decide, sdk.Validate(excludeprefixlist.Validate)) }

func main() {}
