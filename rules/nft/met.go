package nft

import (
	"net/netip"
	"slices"
	"sort"
)

// Met is the part of a table that decides about packets from src to dst: the chains
// that they can come to from a hook, and the maps that are looked up there, each with the one
// element that holds the address, or none. What else rules match is not followed: their
// chains are in it.
func (t *Table) Met(src, dst netip.Addr) *Table {
	if t == nil {
		return nil
	}
	m := met{table: t, src: src, dst: dst, chains: map[string]bool{}, maps: map[string][]Element{}}
	for _, c := range t.Chains {
		if c.Hook != nil {
			m.chain(c.Name)
		}
	}
	out := &Table{Name: t.Name, Other: t.Other}
	for _, c := range t.Chains {
		if m.chains[c.Name] {
			out.Chains = append(out.Chains, c)
		}
	}
	for _, held := range t.Maps {
		if elements, ok := m.maps[held.Name]; ok {
			held.Elements = elements
			out.Maps = append(out.Maps, held)
		}
	}
	return out
}

type met struct {
	table    *Table
	src, dst netip.Addr
	chains   map[string]bool
	maps     map[string][]Element
}

func (m *met) chain(name string) {
	i := slices.IndexFunc(m.table.Chains, func(c Chain) bool { return c.Name == name })
	if i < 0 || m.chains[name] {
		return
	}
	m.chains[name] = true
	for _, r := range m.table.Chains[i].Rules {
		if m.rule(r) {
			return
		}
	}
}

// rule says that no packet goes on behind it.
func (m *met) rule(r Rule) (ends bool) {
	for i, e := range r {
		switch e := e.(type) {
		case Lookup:
			found, ok := m.find(e.Map, e.Address)
			if !ok {
				return false
			}
			if found.Verdict != Continue() {
				m.chain(found.Verdict.Goto)
				return i == 0
			}
			ends = i == 0
		case MapNAT:
			_, ok := m.find(e.Map, e.Address)
			return ok && i == 0
		case Verdict:
			m.chain(e.Goto)
			return ends || i == 0
		}
	}
	return false
}

// find notes that a map is looked up.
func (m *met) find(name string, address Address) (found Element, ok bool) {
	i := slices.IndexFunc(m.table.Maps, func(held Map) bool { return held.Name == name })
	if i < 0 {
		return Element{}, false
	}
	key := m.dst
	if address == SourceAddress {
		key = m.src
	}
	elements := m.table.Maps[i].Elements
	at := sort.Search(len(elements), func(i int) bool { return key.Compare(elements[i].Last) <= 0 })
	if at == len(elements) || key.Less(elements[at].First) {
		m.maps[name] = nil
		return Element{}, false
	}
	m.maps[name] = elements[at : at+1]
	return elements[at], true
}

// Part is the part of a table that has the names of another's chains and maps, with
// intervals cut down to their first addresses: what of it can be compared with Met, where
// nobody tells where intervals end.
func (t *Table) Part(of *Table) *Table {
	if t == nil || of == nil {
		return nil
	}
	out := &Table{Name: t.Name, Other: t.Other}
	for _, c := range t.Chains {
		if slices.ContainsFunc(of.Chains, func(other Chain) bool { return other.Name == c.Name }) {
			out.Chains = append(out.Chains, c)
		}
	}
	for _, m := range t.Maps {
		if slices.ContainsFunc(of.Maps, func(other Map) bool { return other.Name == m.Name }) {
			m.Elements = slices.Clone(m.Elements)
			for i := range m.Elements {
				m.Elements[i].Last = m.Elements[i].First
			}
			out.Maps = append(out.Maps, m)
		}
	}
	return out
}
