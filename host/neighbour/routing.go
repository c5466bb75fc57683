package neighbour

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// Of linux/fib_rules.h, and snatd's and the AWS plugin's rules.
const (
	ruleHeaderLength = 12 // struct fib_rule_hdr
	attrPriority     = 6  // FRA_PRIORITY
	attrMark         = 10 // FRA_FWMARK
	attrMask         = 16 // FRA_FWMASK
	attrTable        = 15 // FRA_TABLE
	attrProtocol     = 21 // FRA_PROTOCOL

	ourProtocol = 83 // dataplane.RoutingProtocol
	awsPriority = 1024
	awsMark     = 0x80
)

// lookRouting finds the ip rules that go by snatd's bit and are neither snatd's nor
// the AWS plugin's, which means the same.
func lookRouting(node Node) ([]Finding, error) {
	k, err := dial(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, explain("connect to routing", err)
	}
	defer k.close()
	header := make([]byte, ruleHeaderLength)
	header[0] = unix.AF_INET
	rules, err := k.dump(unix.RTM_GETRULE, header)
	if err != nil {
		return nil, explain("read ip rules", err)
	}
	var findings []Finding
	for _, b := range rules {
		if len(b) < ruleHeaderLength {
			continue
		}
		a := attributes(b[ruleHeaderLength:])
		mark, mask := native(a.get(attrMark)), native(a.get(attrMask))
		priority, table := native(a.get(attrPriority)), native(a.get(attrTable))
		protocol := a.get(attrProtocol)
		ours := len(protocol) == 1 && protocol[0] == ourProtocol
		aws := priority == awsPriority && mark == awsMark && mask == awsMark && table == unix.RT_TABLE_MAIN
		// A rule without a mark has no mask; one with a mark alone has all bits in it.
		if ours || aws || !(claim{mark & mask, mask}).takes(node.Mark) {
			continue
		}
		findings = append(findings, Finding{Kind: MarkRouted, Message: fmt.Sprintf(
			"the ip rule with priority %d goes by the mark %s, in which snatd's bit %#x is", priority, markText(mark, mask), node.Mark), Fix: fixMark})
	}
	return findings, nil
}

func markText(mark, mask uint32) string {
	if mask == math.MaxUint32 {
		return fmt.Sprintf("%#x", mark)
	}
	return fmt.Sprintf("%#x/%#x", mark, mask)
}
