package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/netspace"
)

const (
	iptables        = "iptables-nft"
	iptablesRestore = "iptables-nft-restore"
	excludedChain   = "EXCLUDED"
)

// chainRules are the rules that exclude n CIDRs and translate the rest, with the
// matches that the AWS VPC CNI plugin has there.
func chainRules(cidrs int) []string {
	var lines []string
	for i := range cidrs {
		lines = append(lines, fmt.Sprintf("-A %s -d %s -j RETURN", excludedChain, spreadCIDR(i)))
	}
	return append(lines, fmt.Sprintf("-A %s ! -o vlan+ -m addrtype ! --dst-type LOCAL -j SNAT --to-source %s --random-fully", excludedChain, nodeAddr))
}

// restoreChain replaces the chain by one with so many CIDRs: by one call where the
// kernel takes that, which it does from the machine's root.
func restoreChain(n *netspace.Namespace, cidrs int) error {
	lines := chainRules(cidrs)
	chunk := len(lines)
	if !machineRoot() {
		chunk = iptablesChunk
	}
	declaration := ":" + excludedChain + " - [0:0]\n"
	for chunk := range slices.Chunk(lines, chunk) {
		text := "*nat\n" + declaration + strings.Join(chunk, "\n") + "\nCOMMIT\n"
		if err := pipe(n, text, iptablesRestore, "-w", "--noflush"); err != nil {
			return err
		}
		declaration = "" // a second one would empty the chain
	}
	return nil
}

func callPerRule(ctx context.Context, n *netspace.Namespace, cidrs int) error {
	if err := pipe(n, "", iptables, "-w", "-t", "nat", "-N", excludedChain); err != nil {
		return err
	}
	for _, line := range chainRules(cidrs) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := pipe(n, "", iptables, append([]string{"-w", "-t", "nat"}, strings.Fields(line)...)...); err != nil {
			return err
		}
	}
	return nil
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

// machineRoot says whether this is the root of the machine and not that of a user
// namespace.
func machineRoot() bool {
	users, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && os.Geteuid() == 0 && slices.Equal(strings.Fields(string(users)), []string{"0", "0", "4294967295"})
}
