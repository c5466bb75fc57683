// Package excludebylabel is a drop-in that keeps the addresses of pods with a
// certain label, towards the networks that its sidecar file lists. Who owns the
// pods says so where they are made; nobody changes a setting of the node.
//
// It needs no grant, since it only excludes.
package excludebylabel

import (
	"errors"

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
	prefixes, err := facts.ConfigPrefixes(settingCIDRs)
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
	if err := facts.CheckSettings(settingLabel, settingCIDRs); err != nil {
		return err
	}
	if _, err := label(facts); err != nil {
		return err
	}
	_, err := facts.ConfigPrefixes(settingCIDRs)
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
