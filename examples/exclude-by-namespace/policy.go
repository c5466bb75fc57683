// Package excludebynamespace is a drop-in that keeps the addresses of all pods of
// the namespaces that have a certain label, towards the networks that its sidecar
// file lists. Who owns the cluster labels a namespace once, and who deploys to it
// changes nothing.
//
// It needs no grant, since it only excludes.
package excludebynamespace

import (
	"errors"

	"github.com/snatd/snatd/sdk"
)

// Settings in the sidecar file, under config.
const (
	settingLabel = "label" // key of the label
	settingValue = "value" // its value; any, without this setting
	settingCIDRs = "cidrs" // IPv4 prefixes, separated by commas or white space
)

// Decide is the policy, an sdk.Policy.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	key, err := label(facts)
	if err != nil {
		return err
	}
	// Pods that are not known have no namespace, and so no labels of one.
	value, labelled := facts.NamespaceLabel(key)
	if wanted, one := facts.Config(settingValue); !labelled || one && value != wanted {
		return nil
	}
	prefixes, err := facts.ConfigPrefixes(settingCIDRs)
	if err != nil {
		return err
	}
	for _, prefix := range prefixes {
		decision.Exclude(prefix, "namespace label "+key)
	}
	return nil
}

// Validate checks the configuration when the module is loaded.
func Validate(facts sdk.Facts) error {
	if err := facts.CheckSettings(settingLabel, settingValue, settingCIDRs); err != nil {
		return err
	}
	if _, err := label(facts); err != nil {
		return err
	}
	value, _ := facts.Config(settingValue)
	if err := sdk.CheckLabelValue(value); err != nil {
		return errors.New("config value: " + err.Error())
	}
	_, err := facts.ConfigPrefixes(settingCIDRs)
	return err
}

func label(facts sdk.Facts) (string, error) {
	key, _ := facts.Config(settingLabel)
	if key == "" {
		return "", errors.New(`config label: missing or empty, want the key of a label such as "example.com/egress"`)
	}
	if err := sdk.CheckLabelKey(key); err != nil {
		return "", errors.New("config label: " + err.Error())
	}
	return key, nil
}
