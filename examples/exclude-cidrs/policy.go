// Package excludecidrs is a drop-in that keeps the pods' own addresses towards
// the networks that its sidecar file lists: peered VPCs, networks behind a
// transit gateway or a VPN, whatever routes the pods' addresses.
//
// It needs no grant, since it only excludes.
package excludecidrs

import (
	"errors"

	"github.com/snatd/snatd/sdk"
)

// Settings in the sidecar file, under config.
const (
	settingCIDRs     = "cidrs"     // IPv4 prefixes, separated by commas or white space
	settingWhy       = "why"       // the reason to show, optional
	settingNamespace = "namespace" // only pods of this namespace, optional
)

const defaultWhy = "excluded by the drop-in's configuration"

// Decide is the policy, an sdk.Policy.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	// Pods whose facts are not known have no namespace: they are not meant.
	if wanted, limited := facts.Config(settingNamespace); limited {
		if namespace, _ := facts.PodNamespace(); namespace != wanted {
			return nil
		}
	}
	prefixes, err := facts.ConfigPrefixes(settingCIDRs)
	if err != nil {
		return err
	}
	why, ok := facts.Config(settingWhy)
	if !ok {
		why = defaultWhy
	}
	for _, prefix := range prefixes {
		decision.Exclude(prefix, why)
	}
	return nil
}

// Validate checks the configuration when the module is loaded: a mistyped
// setting is found then, and not by a pod that is translated after all.
func Validate(facts sdk.Facts) error {
	if err := facts.CheckSettings(settingCIDRs, settingWhy, settingNamespace); err != nil {
		return err
	}
	if namespace, ok := facts.Config(settingNamespace); ok && namespace == "" {
		return errors.New("config namespace: empty, name one or leave the setting out")
	}
	_, err := facts.ConfigPrefixes(settingCIDRs)
	return err
}
