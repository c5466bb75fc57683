package rules

import "net/netip"

// Match finds the entry that decides for dst: of the first decision with an
// entry that covers dst, the one with the longest prefix. It is what a person
// is told when asking why; packets meet what Compile makes of the same
// decisions. The decisions must pass Check. It is not ok if nothing covers dst.
func Match(decisions []Decision, dst netip.Addr) (module string, e Entry, ok bool) {
	for _, d := range decisions {
		for _, candidate := range d.Entries {
			if candidate.Prefix.Contains(dst) && (!ok || candidate.Prefix.Bits() > e.Prefix.Bits()) {
				e, ok = candidate, true
			}
		}
		if ok {
			return d.Module, e, true
		}
	}
	return "", Entry{}, false
}
