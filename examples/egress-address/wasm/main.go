// Command wasm is the policy of the folder above as a module.
package main

import (
	egressaddress "github.com/snatd/snatd/examples/egress-address"
	"github.com/snatd/snatd/sdk"
)

func init() { sdk.Register(egressaddress.Decide, sdk.Validate(egressaddress.Validate)) }

func main() {}
