// Package excludebylabel is a drop-in that keeps the addresses of pods with a
// certain label, towards the networks that its sidecar file lists. Who owns the
// pods says so where they are made; nobody changes a setting of the node.
//
// It needs no grant, since it only excludes.
package excludebylabel

import (
	"errors"
	"net/netip"
	"strconv"

	"github.com/snatd/snatd/sdk"
)

// Settings in the sidecar file, under config. Both are required. There is no
// default for the networks: "everywhere" would cut the pods off from the internet
// where an internet gateway knows the node's address only, so whoever means it
// writes 0.0.0.0/0.
const (
	settingLabel = "label" // key, or key=value
	settingCIDRs = "cidrs" // IPv4 prefixes, separated by commas or white space
)

// Decide is the policy, an sdk.Policy.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	wanted, err := label(facts)
	if err != nil {
		return err
	}
	// Pods whose facts are not known have no labels: they are not meant.
	if value, ok := facts.PodLabel(wanted.key); !ok || !wanted.accepts(value) {
		return nil
	}
	prefixes, err := cidrs(facts)
	if err != nil {
		return err
	}
	for _, prefix := range prefixes {
		decision.Exclude(prefix, "label "+wanted.String())
	}
	return nil
}

// Validate checks the configuration when the module is loaded: a mistyped
// setting is found then, and not by a pod that is translated after all.
func Validate(facts sdk.Facts) error {
	for _, setting := range facts.ConfigKeys() {
		switch setting {
		case settingLabel, settingCIDRs:
		default:
			return errors.New("config " + strconv.Quote(setting) + " is not a setting, want label or cidrs")
		}
	}
	if _, err := label(facts); err != nil {
		return err
	}
	_, err := cidrs(facts)
	return err
}

func label(facts sdk.Facts) (selector, error) {
	text, _ := facts.Config(settingLabel)
	wanted, err := parseSelector(text)
	if err != nil {
		return selector{}, errors.New("config label: " + err.Error())
	}
	return wanted, nil
}

func cidrs(facts sdk.Facts) ([]netip.Prefix, error) {
	text, _ := facts.Config(settingCIDRs)
	prefixes, err := sdk.ParsePrefixes(text)
	if err != nil {
		return nil, errors.New("config cidrs: " + err.Error())
	}
	if len(prefixes) == 0 {
		return nil, errors.New(`config cidrs: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24", or "0.0.0.0/0" for everywhere`)
	}
	return prefixes, nil
}
