package neighbour

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

// legacyNames lists the tables of iptables-legacy in the namespace of the calling thread.
// /proc/net would be that of the process.
const legacyNames = "/proc/thread-self/net/ip_tables_names"

// lookLegacy judges what iptables-legacy holds, by what its rules are made of without
// what they match beside addresses and interfaces.
func lookLegacy(node Node) ([]Finding, error) {
	names, err := os.ReadFile(legacyNames)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the kernel has none
	}
	if err != nil {
		return nil, fmt.Errorf("tables of iptables-legacy: %w", err)
	}
	if !slices.Contains(strings.Fields(string(names)), "nat") {
		return nil, nil
	}
	entries, err := readLegacy("nat")
	if err != nil {
		return []Finding{legacyFinding("may translate traffic of pods: they cannot be read")}, explain("read the table nat of iptables-legacy", err)
	}
	var findings []Finding
	chains := map[string]bool{}
	for _, e := range entries {
		switch {
		case !e.translates():
		case strings.HasPrefix(e.chain, awsChains):
			if len(findings) == 0 {
				findings = append(findings, awsChain("chain nat "+e.chain+" of iptables-legacy"))
			}
		case !slices.Contains(markedChains, e.chain) && slices.ContainsFunc(node.packets(), e.mayMatch):
			chains[e.chain] = true
		}
	}
	if len(chains) > 0 {
		findings = append(findings, legacyFinding(fmt.Sprintf(
			"may translate traffic of pods, in %s: what they match is not read through nftables", strings.Join(slices.Sorted(maps.Keys(chains)), ", "))))
	}
	return findings, nil
}

// markedChains are kube-proxy's and portmap's, which translate what has their own mark.
var markedChains = []string{"KUBE-POSTROUTING", "CNI-HOSTPORT-MASQ"}

func legacyFinding(what string) Finding {
	return Finding{Kind: Legacy, Message: "rules of iptables-legacy " + what,
		Fix: "look at them with iptables-legacy-save -t nat; restrict them to sources that are not pods', or remove them"}
}
