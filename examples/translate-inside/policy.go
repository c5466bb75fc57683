// Package translateinside is a drop-in that translates inside of the VPC too, but
// only towards the ranges that its sidecar file lists: old hosts and firewalls
// that know the nodes' addresses and not the pods'.
//
// The operator grants that it may translate (grants.translate).
package translateinside

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/snatd/snatd/sdk"
)

// settingCIDRs is the setting in the sidecar file, under config: IPv4 prefixes
// inside of the VPC, separated by commas or white space.
const settingCIDRs = "cidrs"

// Decide is the policy, an sdk.Policy. A range that is not a part of one of the VPC's
// CIDRs is an error: it would hide the pods of all nodes from each other.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	if external, err := facts.SNATExternal(); err != nil || external {
		return err
	}
	ranges, err := facts.ConfigPrefixes(settingCIDRs)
	if err != nil {
		return err
	}
	vpc, _, err := facts.VPCCIDRs()
	if err != nil {
		return err
	}
	for _, prefix := range ranges {
		around := func(p netip.Prefix) bool { return sdk.Covers(p, prefix) }
		if !slices.ContainsFunc(vpc, around) {
			return errors.New("config cidrs: " + prefix.String() + " is not inside of the VPC, want a part of one of its CIDRs")
		}
		if slices.Contains(vpc, prefix) {
			return errors.New("config cidrs: " + prefix.String() + " is all of a CIDR of the VPC, where nodes and pods would no longer see which pod it is, want a part of it")
		}
		decision.Translate(prefix, "range inside of the VPC")
	}
	return nil
}

// Validate checks the configuration when the module is loaded. What the VPC's CIDRs
// are is not known then.
func Validate(facts sdk.Facts) error {
	if err := facts.CheckSettings(settingCIDRs); err != nil {
		return err
	}
	_, err := facts.ConfigPrefixes(settingCIDRs)
	return err
}
