// Package routespolicy is a policy that asks the route table of the node's
// subnet which networks a pod reaches with its own address. So nobody has to
// list those for which the page "SNAT for pods" of the Amazon EKS User Guide has
// the default changed.
//
// It stands behind the operator's modules and before the default one. It only
// makes exceptions from the default: it translates nothing that the default
// module would not. What the targets of routes mean is in route.go; README.md
// says what to know before it is turned on.
package routespolicy

import "github.com/snatd/snatd/sdk"

// Decide is the policy, an sdk.Policy. It has no opinion where the default
// module translates nothing at all, and none without routes.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	if nothing, err := bypassed(facts); err != nil || nothing {
		return err
	}
	routes, err := readRoutes(facts)
	if err != nil || len(routes) == 0 {
		return err
	}
	kept, err := readKept(facts)
	if err != nil {
		return err
	}
	decide(routes, kept, decision)
	return nil
}

// bypassed says whether nothing is translated for this subject anyway.
func bypassed(facts sdk.Facts) (bool, error) {
	// A family that there is not is for the default module to complain about.
	if family, ok := facts.ClusterIPFamily(); ok && family != "ipv4" {
		return true, nil
	}
	if hostNetwork, err := facts.PodHostNetwork(); err != nil || hostNetwork {
		return true, err
	}
	return facts.SNATExternal()
}

// decide makes an entry for every route behind which the pod's own address does,
// and for the others only inside of such a route: elsewhere the default module
// says the same, and by what the facts are now. The host may go by this decision
// for longer than it goes by these facts, and a network may become the VPC's
// meanwhile.
func decide(routes []route, kept kept, decision *sdk.Decision) {
	own := newNetworks(len(routes))
	for _, r := range routes {
		if r.routable() {
			own.add(r.target, r.prefix)
		}
	}
	never, translated := kept.networks(), newNetworks(0)
	for _, r := range routes {
		if r.blackhole() {
			continue // a shorter route decides
		}
		reason := r.reason()
		if r.routable() {
			decision.Exclude(r.prefix, reason)
			continue
		}
		if _, inside := own.around(r.prefix); !inside {
			continue
		}
		if why, ok := never.around(r.prefix); ok {
			decision.Exclude(r.prefix, why)
		} else {
			decision.Translate(r.prefix, reason)
			translated.add(reason, r.prefix)
		}
	}
	kept.excludeInside(translated, decision)
}
