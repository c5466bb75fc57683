package main

import (
	"errors"

	"github.com/snatd/snatd/host/netspace"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// installPlan applies a plan in a node's namespace.
func installPlan(node *netspace.Namespace, plan nft.Plan) (err error) {
	d, err := openDataplane(node)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Apply(plan)
}

// installTracking makes the node track connections, as every Kubernetes node
// does, and translate nothing.
func installTracking(node *netspace.Namespace) error {
	return installPlan(node, nft.Diff(nil, &nft.Table{Name: "tracking", Chains: []nft.Chain{{
		Name:  "prerouting",
		Hook:  &nft.Hook{Type: "filter", Point: "prerouting", Priority: nft.PriorityDNAT + 10},
		Rules: []nft.Rule{{nft.Confirmed{}, nft.Return()}},
	}}}))
}

// installSnatd makes the node what snatd makes it, routing rule included.
func installSnatd(node *netspace.Namespace, cidrs int) (err error) {
	ruleset, err := rules.Compile(network, decisions(cidrs), nil)
	if err != nil {
		return err
	}
	d, err := openDataplane(node)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.AddRouting(network.Mark); err != nil {
		return err
	}
	return d.Apply(rules.Replace(ruleset).Ops)
}
