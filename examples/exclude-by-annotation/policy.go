// Package excludebyannotation is a drop-in that lets pods say themselves towards
// which networks they keep their addresses, in an annotation, within what the
// operator allows in its sidecar file.
//
// It needs no grant, since it only excludes.
package excludebyannotation

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"

	"github.com/snatd/snatd/sdk"
)

// Settings in the sidecar file, under config. Both are required.
const (
	settingAnnotation = "annotation" // its key; the value is IPv4 prefixes, separated by commas or white space
	settingWithin     = "within"     // IPv4 prefixes: pods may name these and parts of them
)

// most is how many networks a pod may name. All pods that name the same ones share
// a class in the kernel, and each other list is one more.
const most = 16

// Decide is the policy, an sdk.Policy. What a pod must not name fails for that pod
// only: what was decided for it before stays in force, and the error is in status.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	key, err := annotation(facts)
	if err != nil {
		return err
	}
	wish, ok := facts.PodAnnotation(key)
	if !ok {
		return nil
	}
	allowed, err := facts.ConfigPrefixes(settingWithin)
	if err != nil {
		return err
	}
	wanted, err := parse(wish, allowed)
	if err != nil {
		return errors.New("annotation " + key + ": " + err.Error())
	}
	for _, prefix := range wanted {
		decision.Exclude(prefix, "annotation "+key)
	}
	return nil
}

// parse returns the networks that an annotation names, all or none.
func parse(wish string, allowed []netip.Prefix) ([]netip.Prefix, error) {
	wanted, err := sdk.ParsePrefixes(wish)
	if err != nil {
		return nil, err
	}
	if len(wanted) > most {
		return nil, errors.New(strconv.Itoa(len(wanted)) + " prefixes, want at most " + strconv.Itoa(most))
	}
	for _, prefix := range wanted {
		if !slices.ContainsFunc(allowed, func(a netip.Prefix) bool { return sdk.Covers(a, prefix) }) {
			return nil, errors.New(prefix.String() + " is not allowed, want a part of what the setting within lists")
		}
	}
	return wanted, nil
}

// Validate checks the configuration when the module is loaded.
func Validate(facts sdk.Facts) error {
	if err := facts.CheckSettings(settingAnnotation, settingWithin); err != nil {
		return err
	}
	if _, err := annotation(facts); err != nil {
		return err
	}
	_, err := facts.ConfigPrefixes(settingWithin)
	return err
}

func annotation(facts sdk.Facts) (string, error) {
	key, _ := facts.Config(settingAnnotation)
	if key == "" {
		return "", errors.New(`config annotation: missing or empty, want the key of an annotation such as "example.com/keep-address"`)
	}
	return key, nil
}
