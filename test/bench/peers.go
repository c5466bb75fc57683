package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/netspace"
	"github.com/snatd/snatd/rules"
)

// peerCounts are how many CIDRs are excluded when snatd is compared with what
// others do. mostCalls is the largest with which each rule gets a call of its own:
// the time of a call grows with the rules that are there, and 10,000 calls take
// more than a minute.
var peerCounts = []int{10, 100, 1_000, 10_000}

const mostCalls = 1_000

// peerRounds are few: the slowest of what is compared takes seconds.
const peerRounds = 5

// measurePeers brings excluded CIDRs into an empty namespace, and then one more,
// the ways that are in use: snatd's transactions, a file for nft, a rule per CIDR
// through iptables-nft-restore (ip-masq-agent), and a call of iptables per rule (the
// AWS plugin). The starts of processes are part of the time of whoever starts them.
func measurePeers(ctx context.Context, o options) ([]row, error) {
	var rows []row
	for _, cidrs := range peerCounts {
		measured, err := measurePeersWith(ctx, o, cidrs)
		rows = append(rows, measured...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func measurePeersWith(ctx context.Context, o options, count int) (rows []row, err error) {
	more := spread(count + 1)
	cidrs := more[:count]
	before, err := rules.Compile(network, excluding(cidrs), nil)
	if err != nil {
		return nil, err
	}
	after, err := rules.Compile(network, excluding(more), nil)
	if err != nil {
		return nil, err
	}
	size := thousands(count) + " CIDRs, "
	for _, group := range []struct {
		name  string
		peers []peer
	}{
		{"whole table of " + size, wholes(cidrs, before)},
		{"one more CIDR at " + size, increments(more, before, after)},
	} {
		var variants []variant
		var missing []row
		for _, p := range group.peers {
			name := group.name + p.name
			if _, ok := tool(p.tool); p.tool != "" && !ok {
				missing = append(missing, row{Name: name, NotMeasured: installTools})
				continue
			}
			variants = append(variants, variant{name, p.once})
		}
		samples, err := o.rounds(ctx, peerRounds, variants)
		if err != nil {
			return rows, err
		}
		for i, v := range variants {
			r := newRow(v.name, inTime, samples[i], 0)
			if i > 0 {
				r = r.compare("snatd", samples[i].against(samples[0]), 0)
			}
			rows = append(rows, r)
		}
		rows = append(rows, missing...)
	}
	return rows, nil
}

// peer is a way to bring rules into the kernel; tool is the program that it takes.
type peer struct {
	name, tool string
	once       func(context.Context) (float64, error)
}

// wholes are ways to all of the CIDRs.
func wholes(cidrs []netip.Prefix, ruleset *rules.Ruleset) []peer {
	text := rules.Replace(ruleset).Ops.String()
	peers := []peer{
		{"snatd", "", func(context.Context) (float64, error) { return applyPlan(ruleset) }},
		{"nft -f", "nft", func(context.Context) (float64, error) { return applyText("nft", text) }},
		{"iptables-nft-restore", iptablesRestore, func(context.Context) (float64, error) {
			return inNamespace(nothing, func(n *netspace.Namespace) error { return restoreChain(n, cidrs) })
		}},
	}
	if len(cidrs) > mostCalls {
		return peers
	}
	return append(peers, peer{"a call of iptables-nft per rule", iptables, func(ctx context.Context) (float64, error) {
		return inNamespace(nothing, func(n *netspace.Namespace) error { return callPerRule(ctx, n, cidrs) })
	}})
}

// increments are ways to the last of the CIDRs, where the others are.
func increments(cidrs []netip.Prefix, before, after *rules.Ruleset) []peer {
	last := len(cidrs) - 1
	held := func(n *netspace.Namespace) error { return restoreChain(n, cidrs[:last]) }
	return []peer{
		{"snatd", "", func(context.Context) (float64, error) { return applyChange(before, after) }},
		{"iptables-nft-restore", iptablesRestore, func(context.Context) (float64, error) {
			return inNamespace(held, func(n *netspace.Namespace) error { return restoreChain(n, cidrs) })
		}},
		{"a call of iptables-nft", iptables, func(context.Context) (float64, error) {
			return inNamespace(held, func(n *netspace.Namespace) error {
				return pipe(n, "", iptables, "-w", "-t", "nat", "-I", excludedChain, "-d", cidrs[last].String(), "-j", "RETURN")
			})
		}},
	}
}

// applyChange returns the time in ns that one more CIDR takes, computing the plan
// included.
func applyChange(before, after *rules.Ruleset) (took float64, err error) {
	return onNewNode(func(d *dataplane.Dataplane) (float64, error) {
		if err := d.Apply(rules.Replace(before).Ops); err != nil {
			return 0, err
		}
		return timed(func() error {
			plan := rules.Diff(before, after)
			if len(plan.Ops) != 1 {
				return fmt.Errorf("the plan is not one new element but %d changes", len(plan.Ops))
			}
			return d.Apply(plan.Ops)
		})
	})
}

func nothing(*netspace.Namespace) error { return nil }

// inNamespace returns the time in ns that change takes in a new namespace, after
// prepare.
func inNamespace(prepare, change func(*netspace.Namespace) error) (took float64, err error) {
	n, err := newNamespace("node")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if err := prepare(n); err != nil {
		return 0, err
	}
	return timed(func() error { return change(n) })
}
