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

// What of an annotation counts. All pods that name the same networks share a class in
// the kernel, and each other list is one more.
const (
	most    = 16      // networks
	longest = 1 << 10 // bytes; a longer text, of which Kubernetes takes 256 KiB, is not looked at
)

// Decide is the policy, an sdk.Policy. Its errors are the operator's alone. An error
// keeps what was decided before, so if one could be written into an annotation, the
// author of a pod could keep what the operator takes back.
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
	refuse := func(problem string) { decision.Log(sdk.LevelWarn, "annotation "+key+": "+problem) }
	for _, prefix := range granted(wish, allowed, refuse) {
		decision.Exclude(prefix, "annotation "+key)
	}
	return nil
}

// granted are the networks in an annotation that it may name. Refuse is called with what
// is wrong with the others, each of which is left out for itself.
func granted(wish string, allowed []netip.Prefix, refuse func(problem string)) (prefixes []netip.Prefix) {
	if len(wish) > longest {
		refuse(strconv.Itoa(len(wish)) + " bytes, want at most " + strconv.Itoa(longest))
		return nil
	}
	items := sdk.Words(wish)
	if len(items) > most {
		refuse(strconv.Itoa(len(items)) + " prefixes, of which the first " + strconv.Itoa(most) + " count")
		items = items[:most]
	}
	for _, item := range items {
		prefix, err := sdk.ParsePrefix(item)
		switch {
		case err != nil:
			refuse(err.Error())
		case !slices.ContainsFunc(allowed, func(a netip.Prefix) bool { return sdk.Covers(a, prefix) }):
			refuse(item + " is not allowed, want a part of what the setting within lists")
		default:
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
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
	if err := sdk.CheckAnnotationKey(key); err != nil {
		return "", errors.New("config annotation: " + err.Error())
	}
	return key, nil
}
