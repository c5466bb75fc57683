package nfttest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/snatd/snatd/rules/nft"
)

// kernel holds at most one table, whose name is empty if there is none.
type kernel struct {
	name     string
	counters map[string]bool
	maps     map[string]*nft.Map
	chains   map[string]*nft.Chain
}

// load copies the table.
func load(t *nft.Table) *kernel {
	k := &kernel{}
	if t == nil {
		return k
	}
	k.create(t.Name)
	for _, name := range t.Counters {
		k.counters[name] = true
	}
	for _, m := range t.Maps {
		m.Elements = slices.Clone(m.Elements)
		k.maps[m.Name] = &m
	}
	for _, c := range t.Chains {
		c.Rules = slices.Clone(c.Rules)
		k.chains[c.Name] = &c
	}
	return k
}

func (k *kernel) create(name string) {
	*k = kernel{
		name: name, counters: map[string]bool{}, maps: map[string]*nft.Map{}, chains: map[string]*nft.Chain{},
	}
}

// table returns the state, sorted as nft.Table says.
func (k *kernel) table() *nft.Table {
	if k.name == "" {
		return nil
	}
	t := &nft.Table{Name: k.name, Counters: slices.Sorted(maps.Keys(k.counters))}
	for _, m := range k.maps {
		slices.SortFunc(m.Elements, func(a, b nft.Element) int { return a.First.Compare(b.First) })
		t.Maps = append(t.Maps, *m)
	}
	for _, c := range k.chains {
		t.Chains = append(t.Chains, *c)
	}
	slices.SortFunc(t.Maps, func(a, b nft.Map) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(t.Chains, func(a, b nft.Chain) int { return cmp.Compare(a.Name, b.Name) })
	return t
}

// chainInUse says whether a rule or an element goes to the chain.
func (k *kernel) chainInUse(name string) bool {
	for _, c := range k.chains {
		for _, r := range c.Rules {
			for _, e := range r {
				if v, ok := e.(nft.Verdict); ok && v.Goto == name {
					return true
				}
			}
		}
	}
	for _, m := range k.maps {
		for _, e := range m.Elements {
			if e.Verdict.Goto == name {
				return true
			}
		}
	}
	return false
}

// counterInUse says whether a rule counts with the counter.
func (k *kernel) counterInUse(name string) bool {
	for _, c := range k.chains {
		for _, r := range c.Rules {
			if slices.Contains(r, nft.Expr(nft.Counter{Name: name})) {
				return true
			}
		}
	}
	return false
}

// mapInUse says whether a rule looks the map up.
func (k *kernel) mapInUse(name string) bool {
	for _, c := range k.chains {
		for _, r := range c.Rules {
			for _, e := range r {
				switch e := e.(type) {
				case nft.Lookup:
					if e.Map == name {
						return true
					}
				case nft.MapNAT:
					if e.Map == name {
						return true
					}
				}
			}
		}
	}
	return false
}
