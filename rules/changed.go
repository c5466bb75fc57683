package rules

import "net/netip"

// Changed counts the destinations, up to 2^32, for which packets from src have
// another outcome in one ruleset than in the other. The zero src is a pod that
// neither knows. Neither ruleset is nil or a draining one.
func Changed(before, after *Ruleset, src netip.Addr) uint64 {
	one, other := before.class(before.ClassOf(src)).spans(), after.class(after.ClassOf(src)).spans()
	count, next := uint64(0), uint64(0)
	for next <= lastAddress {
		a, b := one[0], other[0]
		last := min(a.last, b.last)
		if a.outcome != b.outcome {
			count += uint64(last) + 1 - next
		}
		if a.last == last {
			one = one[1:]
		}
		if b.last == last {
			other = other[1:]
		}
		next = uint64(last) + 1
	}
	return count
}
