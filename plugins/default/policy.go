// Package defaultpolicy is the policy that is always the last one: which
// destinations a pod on Amazon EKS reaches with its own address. It follows the
// page "SNAT for pods" of the Amazon EKS User Guide.
//
// It answers for every destination, or returns an error. The settings that it
// goes by are facts; who reads them from where is not known here.
package defaultpolicy

import (
	"errors"
	"slices"
	"strconv"

	"github.com/snatd/snatd/sdk"
)

// Reasons of the entries. They are shown to people and stay as they are.
const (
	ReasonIPv6        = "ipv6 cluster"
	ReasonHostNetwork = "host-network pod"
	ReasonExternal    = "external snat"
	ReasonVPC         = "vpc cidr"
	ReasonExcluded    = "excluded cidr"
	ReasonOutside     = "outside the vpc"
)

// Decide is the policy, an sdk.Policy.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	why, err := bypassed(facts)
	if err != nil {
		return err
	}
	if why != "" {
		decision.Exclude(sdk.Everywhere, why)
		return nil
	}
	return decideByDestination(facts, decision)
}

// bypassed returns why nothing is translated at all for this subject, or "".
func bypassed(facts sdk.Facts) (string, error) {
	family, _ := facts.ClusterIPFamily()
	switch family {
	case "ipv6":
		return ReasonIPv6, nil
	case "ipv4", "": // a host that does not say is one of an IPv4 cluster
	default:
		return "", errors.New("fact cluster.ip_family: " + strconv.Quote(family) + ` is not a family, want "ipv4" or "ipv6"`)
	}

	// A host-network pod has the node's address already.
	if hostNetwork, err := facts.PodHostNetwork(); err != nil || hostNetwork {
		return ReasonHostNetwork, err
	}

	// A NAT gateway or another device outside the node translates.
	if external, err := facts.SNATExternal(); err != nil || external {
		return ReasonExternal, err
	}
	return "", nil
}

// decideByDestination keeps the pod's address inside the VPC and towards the
// operator's networks, and translates the rest.
func decideByDestination(facts sdk.Facts, decision *sdk.Decision) error {
	vpc, known, err := facts.VPCCIDRs()
	if err != nil {
		return err
	}
	if !known {
		// Without it, traffic inside the VPC would be translated: better no answer
		// than that one. A list that is there and empty is a host whose operator
		// prefers this.
		return errors.New("fact vpc.cidrs: missing, cannot tell the vpc from the rest")
	}
	excluded, _, err := facts.SNATExclude()
	if err != nil {
		return err
	}

	for _, prefix := range vpc {
		decision.Exclude(prefix, ReasonVPC)
	}
	for _, prefix := range excluded {
		decision.Exclude(prefix, ReasonExcluded)
	}
	// Excluding 0.0.0.0/0 is how an operator says "translate nothing".
	if !slices.Contains(excluded, sdk.Everywhere) && !slices.Contains(vpc, sdk.Everywhere) {
		decision.Translate(sdk.Everywhere, ReasonOutside)
	}
	return nil
}
