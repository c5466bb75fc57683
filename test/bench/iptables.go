package main

import (
	"context"
	"fmt"
	"net/netip"
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

// iptablesChunk is how many rules go into one call of iptables-nft-restore. It
// sends a call's rules as one message, and the kernel takes a longer one from the
// machine's root only.
const iptablesChunk = 250

// installIptables makes the node translate by the chain.
func installIptables(n *netspace.Namespace, cidrs []netip.Prefix) error {
	if err := restoreChain(n, cidrs); err != nil {
		return err
	}
	return restore(n, "-A POSTROUTING -j "+excludedChain)
}

// chainRules are a rule per CIDR that excludes it, and a last one that translates the
// rest, with the matches that the AWS VPC CNI plugin has there.
func chainRules(cidrs []netip.Prefix) []string {
	var lines []string
	for _, p := range cidrs {
		lines = append(lines, fmt.Sprintf("-A %s -d %s -j RETURN", excludedChain, p))
	}
	return append(lines, fmt.Sprintf("-A %s ! -o vlan+ -m addrtype ! --dst-type LOCAL -j SNAT --to-source %s --random-fully", excludedChain, nodeAddr))
}

// restoreChain replaces the chain by one with these CIDRs: by one call where the
// kernel takes that, which it does from the machine's root.
func restoreChain(n *netspace.Namespace, cidrs []netip.Prefix) error {
	lines := chainRules(cidrs)
	chunk := len(lines)
	if !machineRoot() {
		chunk = iptablesChunk
	}
	declaration := []string{":" + excludedChain + " - [0:0]"}
	for chunk := range slices.Chunk(lines, chunk) {
		if err := restore(n, append(declaration, chunk...)...); err != nil {
			return err
		}
		declaration = nil // a second one would empty the chain
	}
	return nil
}

// restore adds to the table nat what the lines say.
func restore(n *netspace.Namespace, lines ...string) error {
	return pipe(n, "*nat\n"+strings.Join(lines, "\n")+"\nCOMMIT\n", iptablesRestore, "-w", "--noflush")
}

func callPerRule(ctx context.Context, n *netspace.Namespace, cidrs []netip.Prefix) error {
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

// machineRoot says whether this is the root of the machine and not that of a user
// namespace.
func machineRoot() bool {
	users, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && os.Geteuid() == 0 && slices.Equal(strings.Fields(string(users)), []string{"0", "0", "4294967295"})
}
