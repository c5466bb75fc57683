// Package sample is the policy that every SDK has in its language, and that the
// conformance suite compares: pods say by the label egress, own or node, whose
// address they want to be seen with.
//
// It is written as an author would write it, and as small as it can be with a use
// for each function of the ABI. Only the error about a label with another value is not to
// be copied. It is there so that the suite tests errors; in a cluster it would let the
// author of a pod keep the last good decision. A policy leaves out what such a label is
// about.
package sample

import (
	"errors"
	"net/netip"
	"strconv"

	"github.com/snatd/snatd/sdk"
)

// Decide is the policy, an sdk.Policy.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	wish, ok := facts.PodLabel("egress")
	switch {
	case !ok:
		return nil // no opinion: the modules behind this one decide
	case wish == "own":
		list, err := partners(facts)
		exclude(decision, list, "partners")
		return err
	case wish == "node":
		cidrs, _, err := facts.VPCCIDRs()
		exclude(decision, cidrs, "vpc.cidrs")
		decision.Translate(sdk.Everywhere, "hidden")
		decision.Log(sdk.LevelInfo, "hidden")
		return err
	}
	return errors.New("label egress: " + strconv.Quote(wish) + ", want own or node")
}

// Validate checks the configuration when the module is loaded.
func Validate(facts sdk.Facts) error {
	for _, setting := range facts.ConfigKeys() {
		if setting != "partners" {
			return errors.New("config " + strconv.Quote(setting) + " is not a setting, want partners")
		}
	}
	list, err := partners(facts)
	if err == nil && len(list) == 0 {
		err = errors.New("config partners: missing")
	}
	return err
}

func partners(facts sdk.Facts) ([]netip.Prefix, error) {
	text, _ := facts.Config("partners")
	list, err := sdk.ParsePrefixes(text)
	if err != nil {
		return nil, errors.New("config partners: " + err.Error())
	}
	return list, nil
}

func exclude(decision *sdk.Decision, list []netip.Prefix, why string) {
	for _, prefix := range list {
		decision.Exclude(prefix, why)
	}
}
