package nfttest

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/snatd/snatd/rules/nft"
)

// baseChains returns the chains at a hook in the order in which they run.
func baseChains(t *nft.Table, point string) []*nft.Chain {
	var found []*nft.Chain
	if t == nil {
		return nil
	}
	for i, c := range t.Chains {
		if c.Hook != nil && c.Hook.Point == point {
			found = append(found, &t.Chains[i])
		}
	}
	slices.SortStableFunc(found, func(a, b *nft.Chain) int { return cmp.Compare(a.Hook.Priority, b.Hook.Priority) })
	return found
}

// lookup scans the map, one element after the other. The zero Element holds
// nothing, and so does a map that the table does not have.
func lookup(t *nft.Table, name string, a netip.Addr) nft.Element {
	if t == nil {
		return nft.Element{}
	}
	i := slices.IndexFunc(t.Maps, func(m nft.Map) bool { return m.Name == name })
	if i < 0 {
		return nft.Element{}
	}
	for _, e := range t.Maps[i].Elements {
		if e.First.Compare(a) <= 0 && a.Compare(e.Last) <= 0 {
			return e
		}
	}
	return nft.Element{}
}
