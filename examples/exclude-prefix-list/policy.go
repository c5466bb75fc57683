// Package excludeprefixlist is a drop-in that keeps the pods' addresses towards
// the networks in managed prefix lists of the VPC: who runs the network keeps the
// lists, once for route tables, security groups and pods.
//
// It needs no grant, since it only excludes.
package excludeprefixlist

import (
	"errors"

	"github.com/snatd/snatd/sdk"
)

// settingLists is the setting in the sidecar file, under config: names or IDs of
// prefix lists, separated by commas or white space.
const settingLists = "lists"

// Decide is the policy, an sdk.Policy. A list that is not known is an error, so that
// what was decided before stays in force: none of its networks is known.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	names, err := lists(facts)
	if err != nil {
		return err
	}
	for _, name := range names {
		prefixes, ok, err := facts.VPCPrefixList(name)
		if err != nil {
			return err
		}
		if !ok {
			return errors.New("prefix list " + name + " is not known, want one that facts.prefixLists of the daemon's configuration names")
		}
		for _, prefix := range prefixes {
			decision.Exclude(prefix, "prefix list "+name)
		}
	}
	return nil
}

// Validate checks the configuration when the module is loaded.
func Validate(facts sdk.Facts) error {
	if err := facts.CheckSettings(settingLists); err != nil {
		return err
	}
	_, err := lists(facts)
	return err
}

func lists(facts sdk.Facts) ([]string, error) {
	text, _ := facts.Config(settingLists)
	names := sdk.Words(text)
	if len(names) == 0 {
		return nil, errors.New(`config lists: missing or empty, want names or IDs of prefix lists such as "partners, pl-0123456789abcdef0"`)
	}
	return names, nil
}
