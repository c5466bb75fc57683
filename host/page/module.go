package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// module is one with what it does and why.
type module struct {
	engine.ModuleStatus
	// Reasons are those of its answers, the most frequent first.
	Reasons []reason
}

// Short is the beginning of the hash of the version that decides.
func (m module) Short() string { return fmt.Sprintf("%.12s", m.SHA256) }

// reason is what a module says of so many prefixes, for so many subjects.
type reason struct {
	Text               string
	Prefixes, Subjects int
}

// mostReasons is how many of a module are shown.
const mostReasons = 8

func modulesOf(all []engine.ModuleStatus, reasons map[string][]reason) []module {
	list := make([]module, len(all))
	for i, m := range all {
		list[i] = module{m, reasons[m.Name]}
	}
	return list
}

// reasonsOf sums up the reasons by module. Subjects that read the same share one answer, which
// is counted once.
func reasonsOf(decided []engine.Decided) map[string][]reason {
	type answer struct {
		module string
		first  *rules.Entry
	}
	shared := map[answer]int{}
	entries := map[answer][]rules.Entry{}
	for _, d := range decided {
		for _, e := range d.Evaluations {
			if len(e.Decision.Entries) > 0 {
				a := answer{e.Decision.Module, &e.Decision.Entries[0]}
				shared[a]++
				entries[a] = e.Decision.Entries
			}
		}
	}
	sums := map[string]map[string]reason{}
	for a, subjects := range shared {
		if sums[a.module] == nil {
			sums[a.module] = map[string]reason{}
		}
		prefixes := map[string]int{}
		for _, e := range entries[a] {
			prefixes[e.Reason]++
		}
		for text, n := range prefixes {
			sum := sums[a.module][text]
			sums[a.module][text] = reason{text, sum.Prefixes + n, sum.Subjects + subjects}
		}
	}
	list := map[string][]reason{}
	for module, all := range sums {
		sorted := slices.SortedFunc(maps.Values(all), func(a, b reason) int {
			return cmp.Or(cmp.Compare(b.Subjects, a.Subjects), cmp.Compare(b.Prefixes, a.Prefixes), cmp.Compare(a.Text, b.Text))
		})
		list[module] = sorted[:min(len(sorted), mostReasons)]
	}
	return list
}

// connections are those that a module decided so, since the daemon's start.
type connections struct {
	Module string
	Action rules.Action
	Count  uint64
}

func connectionsOf(counted map[rules.Decider]nft.Count) (list []connections) {
	for by, count := range counted {
		list = append(list, connections{by.Module, by.Action, count.Packets})
	}
	slices.SortFunc(list, func(a, b connections) int {
		return cmp.Or(cmp.Compare(a.Module, b.Module), cmp.Compare(a.Action, b.Action))
	})
	return list
}
