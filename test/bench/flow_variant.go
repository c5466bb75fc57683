package main

import (
	"fmt"

	"github.com/snatd/snatd/host/netspace"
)

// flowVariant is a node with something installed on it.
type flowVariant struct {
	name    string
	cidrs   int                             // excluded, while all else is translated; 0: no NAT
	install func(*netspace.Namespace) error // nil: nothing; else connections are tracked
	against []comparison
}

// comparison asks for the ratio to another variant.
type comparison struct {
	short  string // the other's name in the report
	name   string
	target float64 // 0 for none
}

// flowTarget is how many times the cost with 5 excluded CIDRs a new flow may
// cost with 5,000.
const flowTarget = 1.15

// flowVariants returns what can be measured, and rows for what cannot.
func flowVariants() (all []flowVariant, missing []row) {
	noNAT := comparison{short: "no NAT", name: "new flow, no NAT"}
	all = []flowVariant{
		{name: noNAT.name},
		{name: "new flow, no NAT, tracked", install: installTracking, against: []comparison{noNAT}},
	}
	const fewest = 5
	counts := []int{fewest, 100, 1000, mostExcluded}
	for _, n := range counts {
		against := []comparison{noNAT}
		switch n {
		case fewest:
		case mostExcluded:
			against = append(against, comparison{"5 CIDRs", snatdFlow(fewest), flowTarget})
		default:
			against = append(against, comparison{"5 CIDRs", snatdFlow(fewest), 0})
		}
		all = append(all, flowVariant{
			name: snatdFlow(n), cidrs: n, against: against,
			install: func(node *netspace.Namespace) error { return installSnatd(node, n) },
		})
	}
	_, ok := tool(iptablesRestore)
	for _, n := range counts {
		name := fmt.Sprintf("new flow, iptables-nft, %s CIDRs", thousands(n))
		if !ok {
			missing = append(missing, row{Name: name, NotMeasured: installTools})
			continue
		}
		all = append(all, flowVariant{
			name: name, cidrs: n, against: []comparison{{"snatd", snatdFlow(n), 0}},
			install: func(node *netspace.Namespace) error { return installIptables(node, excluded(n)) },
		})
	}
	return all, missing
}

func snatdFlow(cidrs int) string {
	return fmt.Sprintf("new flow, snatd, %s CIDRs", thousands(cidrs))
}
