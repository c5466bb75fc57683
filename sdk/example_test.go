package sdk_test

import (
	"fmt"

	"github.com/snatd/snatd/sdk"
)

// Decide keeps the address of pods that ask for it, towards the networks that
// the operator lists.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	if wish, _ := facts.PodLabel("example.com/egress"); wish != "own-address" {
		return nil // no opinion: the modules behind this one decide
	}
	list, _ := facts.Config("partners")
	partners, err := sdk.ParsePrefixes(list)
	if err != nil {
		return err
	}
	for _, prefix := range partners {
		decision.Exclude(prefix, "partner network")
	}
	return nil
}

func Example() {
	decision, err := sdk.Run(Decide, sdk.Map{
		"pod.label.example.com/egress": "own-address",
		"config.partners":              "10.20.0.0/16, 192.168.7.0/24",
	})
	fmt.Println(decision.Entries(), err)
	// Output: [{10.20.0.0/16 false invalid IP partner network} {192.168.7.0/24 false invalid IP partner network}] <nil>
}
