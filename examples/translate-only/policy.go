// Package translateonly is a drop-in that translates towards the networks that its
// sidecar file lists, and nowhere else. It is the other way round than the AWS
// plugin's list of what to exclude.
//
// The operator grants that it may translate (grants.translate).
package translateonly

import (
	"net/netip"
	"slices"

	"github.com/snatd/snatd/sdk"
)

// settingCIDRs is the setting in the sidecar file, under config: IPv4 prefixes,
// separated by commas or white space.
const settingCIDRs = "cidrs"

// Decide is the policy, an sdk.Policy. It decides for every destination: no module
// behind it is asked.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	// The rest is excluded then too, by the default module.
	if external, err := facts.SNATExternal(); err != nil || external {
		return err
	}
	listed, err := facts.ConfigPrefixes(settingCIDRs)
	if err != nil {
		return err
	}
	for _, prefix := range listed {
		decision.Translate(prefix, "listed")
	}
	exclude := func(reason string, prefixes ...netip.Prefix) {
		for _, prefix := range prefixes {
			if !slices.Contains(listed, prefix) {
				decision.Exclude(prefix, reason)
			}
		}
	}
	exclude("not listed", sdk.Everywhere)
	// A network that is listed may lie around the VPC, or around what the
	// operator excludes.
	vpc, _, err := facts.VPCCIDRs()
	if err != nil {
		return err
	}
	exclude("vpc cidr", vpc...)
	excluded, _, err := facts.SNATExclude()
	exclude("excluded cidr", excluded...)
	return err
}

// Validate checks the configuration when the module is loaded.
func Validate(facts sdk.Facts) error {
	if err := facts.CheckSettings(settingCIDRs); err != nil {
		return err
	}
	_, err := facts.ConfigPrefixes(settingCIDRs)
	return err
}
