package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

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

// iptablesChunk is how many rules go into one call of iptables-nft-restore. It
// sends a call's rules as one message, and the kernel takes a longer one from the
// machine's root only.
const iptablesChunk = 250

// installIptables gives the node a chain with one rule per excluded CIDR, and a
// last one that translates, with the matches that the AWS VPC CNI plugin has there.
func installIptables(node *netspace.Namespace, restore string, cidrs int) error {
	lines := []string{"-A POSTROUTING -j EXCLUDED"}
	for _, p := range excluded(cidrs) {
		lines = append(lines, fmt.Sprintf("-A EXCLUDED -d %s -j RETURN", p))
	}
	lines = append(lines, fmt.Sprintf(
		"-A EXCLUDED ! -o vlan+ -m addrtype ! --dst-type LOCAL -j SNAT --to-source %s --random-fully", nodeAddr))
	declaration := ":EXCLUDED - [0:0]\n"
	for chunk := range slices.Chunk(lines, iptablesChunk) {
		text := "*nat\n" + declaration + strings.Join(chunk, "\n") + "\nCOMMIT\n"
		if err := pipe(node, text, restore, "--noflush"); err != nil {
			return err
		}
		declaration = "" // a second one would empty the chain
	}
	return nil
}
