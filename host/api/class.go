package api

import (
	"cmp"
	"slices"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/rules"
)

// Class is what pods have in common that are decided alike.
type Class struct {
	// Name is that of its chain and its map in the kernel.
	Name string `json:"name"`
	// Node says that it decides for pods that are not known (yet), too.
	Node bool `json:"node,omitempty"`
	// Pods counts the known pods in it.
	Pods int `json:"pods"`
	// Prefixes counts those that modules answered with for it, and Ranges the disjoint ranges of
	// destinations that follow from them in the kernel.
	Prefixes int `json:"prefixes"`
	Ranges   int `json:"ranges"`
	// Default is done about all other destinations: "exclude", or "translate" to Source.
	Default rules.Action `json:"default"`
	Source  string       `json:"source,omitempty"`
}

// classes are those that the kernel holds.
func classes(s *engine.State) []Class {
	list := []Class{}
	if s.Result == nil || s.Ruleset == nil {
		return list
	}
	index := map[string]int{}
	for _, c := range s.Ruleset.Classes {
		class := Class{Name: c.Name, Node: c.Name == s.Ruleset.Node, Ranges: len(c.Intervals), Default: c.Default.Action}
		if class.Default == rules.Translate {
			class.Source = s.Ruleset.Network.Primary.String()
			if c.Default.Source.IsValid() {
				class.Source = c.Default.Source.String()
			}
		}
		index[c.Name] = len(list)
		list = append(list, class)
	}
	for _, d := range s.Result.Decided {
		i, known := index[s.Ruleset.ClassOf(d.Subject.Addr)]
		if !known {
			continue // nothing decides, while connections of earlier rules end
		}
		class := &list[i]
		if d.Subject.Addr.IsValid() {
			class.Pods++
		}
		if class.Prefixes == 0 {
			for _, e := range d.Evaluations {
				class.Prefixes += len(e.Decision.Entries)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Class) int {
		switch {
		case a.Node:
			return -1
		case b.Node:
			return 1
		}
		return cmp.Or(cmp.Compare(b.Pods, a.Pods), cmp.Compare(a.Name, b.Name))
	})
	return list
}
