// Package excludeexcept is a drop-in that keeps the pods' addresses towards large
// networks, such as all of those on premises, but not towards some parts of them,
// where only the nodes' addresses are known.
//
// The operator grants that it may translate (grants.translate).
package excludeexcept

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/snatd/snatd/sdk"
)

// Settings in the sidecar file, under config. Both are lists of IPv4 prefixes,
// separated by commas or white space, and required.
const (
	settingCIDRs  = "cidrs"  // towards these the address is kept
	settingExcept = "except" // but not towards these, which are inside of them
)

// Decide is the policy, an sdk.Policy. The longest prefix decides, so that there may
// be networks in cidrs again inside of an exception.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	// Where something outside translates, an exception has no use.
	if external, err := facts.SNATExternal(); err != nil || external {
		return err
	}
	kept, except, err := settings(facts)
	if err != nil {
		return err
	}
	for _, prefix := range kept {
		decision.Exclude(prefix, "kept network")
	}
	for _, prefix := range except {
		decision.Translate(prefix, "exception")
	}
	vpc, _, err := facts.VPCCIDRs()
	if err != nil {
		return err
	}
	keepInside(except, vpc, "vpc cidr", decision)
	excluded, _, err := facts.SNATExclude()
	keepInside(except, excluded, "excluded cidr", decision)
	return err
}

// keepInside leaves networks alone that are never translated by default, where they are
// inside of an exception: the longest prefix decides about them too.
func keepInside(except, networks []netip.Prefix, reason string, decision *sdk.Decision) {
	for _, prefix := range networks {
		around := func(p netip.Prefix) bool { return sdk.Covers(p, prefix) }
		if slices.ContainsFunc(except, around) && !slices.Contains(except, prefix) {
			decision.Exclude(prefix, reason)
		}
	}
}

// Validate checks the configuration when the module is loaded.
func Validate(facts sdk.Facts) error {
	if err := facts.CheckSettings(settingCIDRs, settingExcept); err != nil {
		return err
	}
	_, _, err := settings(facts)
	return err
}

func settings(facts sdk.Facts) (kept, except []netip.Prefix, err error) {
	if kept, err = facts.ConfigPrefixes(settingCIDRs); err != nil {
		return nil, nil, err
	}
	if except, err = facts.ConfigPrefixes(settingExcept); err != nil {
		return nil, nil, err
	}
	for _, prefix := range except {
		around := func(p netip.Prefix) bool { return sdk.Covers(p, prefix) }
		if slices.Contains(kept, prefix) || !slices.ContainsFunc(kept, around) {
			return nil, nil, errors.New("config except: " + prefix.String() + " is no exception, want a part of a prefix in cidrs")
		}
	}
	return kept, except, nil
}
