package nfttest

import (
	"fmt"
	"syscall"

	"github.com/snatd/snatd/rules/nft"
)

// checkTranslation finds address translation that packets reach from a base
// chain that is not of type nat, by rules and by elements.
func (k *kernel) checkTranslation() error {
	for _, c := range k.chains {
		if c.Hook == nil || c.Hook.Type == "nat" {
			continue
		}
		if err := k.checkReach(c, map[string]bool{}); err != nil {
			return fmt.Errorf("from base chain %s: %w", c.Name, err)
		}
	}
	return nil
}

func (k *kernel) checkReach(c *nft.Chain, seen map[string]bool) error {
	if seen[c.Name] {
		return nil
	}
	seen[c.Name] = true
	for _, r := range c.Rules {
		for _, e := range r {
			for _, next := range k.leadsTo(e) {
				if err := k.checkReach(k.chains[next], seen); err != nil {
					return err
				}
			}
			switch e.(type) {
			case nft.NAT, nft.MapNAT:
				return fmt.Errorf("%s in chain %s: %w", e, c.Name, syscall.EOPNOTSUPP)
			}
		}
	}
	return nil
}

// leadsTo lists the chains that an expression goes to.
func (k *kernel) leadsTo(e nft.Expr) []string {
	var chains []string
	switch e := e.(type) {
	case nft.Verdict:
		if e.Goto != "" {
			chains = append(chains, e.Goto)
		}
	case nft.Lookup:
		for _, element := range k.maps[e.Map].Elements {
			if element.Verdict.Goto != "" {
				chains = append(chains, element.Verdict.Goto)
			}
		}
	}
	return chains
}
