package rules

import "net/netip"

// Changed counts the destinations, up to 2^32, for which packets from src have
// another outcome in one ruleset than in the other. The zero src is a pod that
// neither knows. Neither ruleset is nil or a draining one.
func Changed(before, after *Ruleset, src netip.Addr) uint64 {
	one, other := before.class(before.ClassOf(src)), after.class(after.ClassOf(src))
	count := uint64(0)
	inStep(one.spans(), other.spans(), func(first, last uint32, a, b Outcome) {
		if a != b {
			count += uint64(last) - uint64(first) + 1
		}
	})
	return count
}
