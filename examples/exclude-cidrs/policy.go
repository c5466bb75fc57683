// Package excludecidrs is a drop-in that keeps the pods' own addresses towards
// the networks that its sidecar file lists: peered VPCs, networks behind a
// transit gateway or a VPN, whatever routes the pods' addresses.
//
// It needs no grant, since it only excludes.
package excludecidrs

import (
	"errors"
	"net/netip"
	"strconv"

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
	prefixes, err := cidrs(facts)
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
	for _, setting := range facts.ConfigKeys() {
		switch setting {
		case settingCIDRs, settingWhy, settingNamespace:
		default:
			return errors.New("config " + strconv.Quote(setting) + " is not a setting, want cidrs, why or namespace")
		}
	}
	if namespace, ok := facts.Config(settingNamespace); ok && namespace == "" {
		return errors.New("config namespace: empty, name one or leave the setting out")
	}
	_, err := cidrs(facts)
	return err
}

func cidrs(facts sdk.Facts) ([]netip.Prefix, error) {
	text, _ := facts.Config(settingCIDRs)
	prefixes, err := sdk.ParsePrefixes(text)
	if err != nil {
		return nil, errors.New("config cidrs: " + err.Error())
	}
	if len(prefixes) == 0 {
		return nil, errors.New(`config cidrs: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`)
	}
	return prefixes, nil
}
