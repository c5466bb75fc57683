// Package excludebyzone is a drop-in with one sidecar file for all nodes of a
// cluster, in which each availability zone has a list of networks of its own. The
// pods keep their addresses towards those of the zone that their node is in.
//
// It needs no grant, since it only excludes.
package excludebyzone

import (
	"errors"
	"strconv"
	"strings"

	"github.com/snatd/snatd/sdk"
)

// settingCIDRs begins each setting in the sidecar file, under config; the name of
// the zone follows, as in cidrs.eu-west-1a. The values are IPv4 prefixes, separated
// by commas or white space.
const settingCIDRs = "cidrs."

// Decide is the policy, an sdk.Policy.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	zone, ok := facts.NodeZone()
	if !ok {
		return errors.New("fact node.zone: missing, cannot tell which networks are those of the node's zone")
	}
	// A zone without a setting has no networks of its own.
	if _, ok := facts.Config(settingCIDRs + zone); !ok {
		return nil
	}
	prefixes, err := facts.ConfigPrefixes(settingCIDRs + zone)
	for _, prefix := range prefixes {
		decision.Exclude(prefix, "network of zone "+zone)
	}
	return err
}

// Validate checks the configuration when the module is loaded, for all zones on
// every node.
func Validate(facts sdk.Facts) error {
	settings := facts.ConfigKeys()
	if len(settings) == 0 {
		return errors.New(`config: empty, want a setting for each zone, such as cidrs.eu-west-1a: "10.1.0.0/16"`)
	}
	for _, setting := range settings {
		if zone, ok := strings.CutPrefix(setting, settingCIDRs); !ok || zone == "" {
			return errors.New("config " + strconv.Quote(setting) + " is not a setting, want cidrs. and the name of a zone, such as cidrs.eu-west-1a")
		}
		if _, err := facts.ConfigPrefixes(setting); err != nil {
			return err
		}
	}
	return nil
}
