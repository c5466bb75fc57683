package routespolicy

import (
	"errors"
	"net/netip"

	"github.com/snatd/snatd/sdk"
)

// Reasons of entries that are not a route's. They are those of the default module,
// shown to people, and stay as they are.
const (
	ReasonVPC      = "vpc cidr"
	ReasonExcluded = "excluded cidr"
)

// kept are the networks towards which the pod's address is kept whatever the
// routes say.
type kept struct {
	vpc      []netip.Prefix
	excluded []netip.Prefix // by the operator
}

func readKept(facts sdk.Facts) (k kept, err error) {
	k.vpc, _, err = facts.VPCCIDRs()
	if err != nil {
		return k, err
	}
	if len(k.vpc) == 0 {
		// The routes' local targets do not stand in for it: the host learns of a
		// new CIDR before it reads the route table again.
		return k, errors.New("fact vpc.cidrs: missing or empty, cannot tell the vpc from the rest")
	}
	k.excluded, _, err = facts.SNATExclude()
	return k, err
}

func (k kept) networks() *networks {
	n := newNetworks(len(k.vpc) + len(k.excluded))
	n.add(ReasonVPC, k.vpc...)
	n.add(ReasonExcluded, k.excluded...)
	return n
}

// excludeInside excludes what is kept inside the networks that this module
// translates itself. About the rest the default module says it.
func (k kept) excludeInside(translated *networks, decision *sdk.Decision) {
	exclude := func(prefixes []netip.Prefix, why string) {
		for _, prefix := range prefixes {
			if _, ok := translated.around(prefix); ok {
				decision.Exclude(prefix, why)
			}
		}
	}
	exclude(k.vpc, ReasonVPC)
	exclude(k.excluded, ReasonExcluded)
}
