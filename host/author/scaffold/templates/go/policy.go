// Package policy is the policy; the package wasm makes a module of it.
package policy

import (
	"errors"
	"net/netip"

	"github.com/snatd/snatd/sdk"
)

// Decide is the policy.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	if wish, _ := facts.PodLabel("example.com/egress"); wish != "own-address" {
		return nil // no opinion: the modules behind this one decide
	}
	networks, err := partners(facts)
	for _, network := range networks {
		decision.Exclude(network, "partner network")
	}
	return err
}

// Validate checks the settings when the module is loaded.
func Validate(facts sdk.Facts) error {
	networks, err := partners(facts)
	if err == nil && len(networks) == 0 {
		err = errors.New("config partners: missing")
	}
	return err
}

func partners(facts sdk.Facts) ([]netip.Prefix, error) {
	text, _ := facts.Config("partners")
	networks, err := sdk.ParsePrefixes(text)
	if err != nil {
		return nil, errors.New("config partners: " + err.Error())
	}
	return networks, nil
}
