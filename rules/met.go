package rules

import (
	"net/netip"

	"github.com/snatd/snatd/rules/nft"
)

// Met is the part of the table that decides about packets from src to dst. It is made
// without the classes of others, of which a large node has many.
func (r *Ruleset) Met(src, dst netip.Addr) *nft.Table {
	if r == nil {
		return nil
	}
	var classes []Class
	for _, c := range r.Classes {
		if c.Name == r.Node || c.Name == r.ClassOf(src) {
			classes = append(classes, c)
		}
	}
	return r.withClasses(classes).table(r.sourcing()).Met(src, dst)
}
