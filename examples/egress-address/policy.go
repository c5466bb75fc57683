// Package egressaddress is a drop-in that gives the pods of a namespace an egress
// address of their own: outside of the VPC they are seen with another address of
// the node than its primary one, so that a firewall can tell them apart.
//
// The operator grants the address in the sidecar file (grants.sources), and the
// primary interface has to hold it.
package egressaddress

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"

	"github.com/snatd/snatd/sdk"
)

// Settings in the sidecar file, under config. Source and namespaces are required.
const (
	settingSource     = "source"     // the address
	settingNamespaces = "namespaces" // names, separated by commas or white space
	settingCIDRs      = "cidrs"      // only towards these; without it, everywhere outside of the VPC
)

// Decide is the policy, an sdk.Policy.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	names, err := namespaces(facts)
	if err != nil {
		return err
	}
	// Pods that are not known have no namespace: they are not meant.
	if namespace, ok := facts.PodNamespace(); !ok || !slices.Contains(names, namespace) {
		return nil
	}
	// Where something outside translates, the address has no use.
	if external, err := facts.SNATExternal(); err != nil || external {
		return err
	}
	source, err := source(facts)
	if err != nil {
		return err
	}
	prefixes, err := cidrs(facts)
	if err != nil {
		return err
	}
	for _, prefix := range prefixes {
		decision.TranslateTo(prefix, source, "egress address of the namespace")
	}
	return keep(facts, prefixes, decision)
}

// keep leaves the networks alone that the default module never translates, where
// they are inside of what is translated.
func keep(facts sdk.Facts, translated []netip.Prefix, decision *sdk.Decision) error {
	vpc, _, err := facts.VPCCIDRs()
	if err != nil {
		return err
	}
	excluded, _, err := facts.SNATExclude()
	if err != nil {
		return err
	}
	for _, prefix := range slices.Concat(vpc, excluded) {
		around := func(p netip.Prefix) bool { return sdk.Covers(p, prefix) }
		if slices.ContainsFunc(translated, around) && !slices.Contains(translated, prefix) {
			decision.Exclude(prefix, "not translated by default")
		}
	}
	return nil
}

// Validate checks the configuration when the module is loaded.
func Validate(facts sdk.Facts) error {
	if err := facts.CheckSettings(settingSource, settingNamespaces, settingCIDRs); err != nil {
		return err
	}
	if _, err := source(facts); err != nil {
		return err
	}
	if _, err := namespaces(facts); err != nil {
		return err
	}
	_, err := cidrs(facts)
	return err
}

func source(facts sdk.Facts) (netip.Addr, error) {
	text, _ := facts.Config(settingSource)
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() {
		return netip.Addr{}, errors.New("config source: " + strconv.Quote(text) + " is not an IPv4 address, want one of the node such as 10.0.0.11")
	}
	if !isSource(addr) {
		return netip.Addr{}, errors.New("config source: " + text + " is no unicast address that others could answer to, want one of the node such as 10.0.0.11")
	}
	return addr, nil
}

// isSource says whether a packet with this source may leave a node: it is not of "this
// network", the host, the link, a group or the reserved 240.0.0.0/4.
func isSource(addr netip.Addr) bool {
	first := addr.As4()[0]
	return addr.IsGlobalUnicast() && first != 0 && first < 240
}

func namespaces(facts sdk.Facts) ([]string, error) {
	text, _ := facts.Config(settingNamespaces)
	names := sdk.Words(text)
	if len(names) == 0 {
		return nil, errors.New(`config namespaces: missing or empty, want names such as "payments, billing"`)
	}
	return names, nil
}

func cidrs(facts sdk.Facts) ([]netip.Prefix, error) {
	text, ok := facts.Config(settingCIDRs)
	if !ok {
		return []netip.Prefix{sdk.Everywhere}, nil
	}
	prefixes, err := sdk.ParsePrefixes(text)
	if err != nil {
		return nil, errors.New("config cidrs: " + err.Error())
	}
	if len(prefixes) == 0 {
		return nil, errors.New(`config cidrs: empty, want IPv4 prefixes such as "192.0.2.0/24", or no such setting for everywhere outside of the VPC`)
	}
	return prefixes, nil
}
