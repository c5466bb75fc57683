package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/snatd/snatd/rules/nft"
)

// Decider is who decided about a connection, and what: the counters of first packets
// are told apart by it, each class having its own.
type Decider struct {
	Module string `json:"module"` // its label
	Action Action `json:"action"`
}

func (c Class) decider() Decider     { return Decider{c.Module, c.Default.Action} }
func (i *Interval) decider() Decider { return Decider{i.Module, i.Outcome.Action} }

// counted says whether connections are counted. They are not if the module is not
// known, as in the table of a version that counted nothing.
func (d Decider) counted() bool { return d.Module != "" }

// counterName follows the name of the class, so that what was counted is kept when that
// is: "t_" or "e_", the rest of the class's name, a slash and the module.
func (c Class) counterName(d Decider) string {
	return counterPrefixes[d.Action] + strings.TrimPrefix(c.Name, "c_") + "/" + d.Module
}

var counterPrefixes = map[Action]string{Translate: "t_", Exclude: "e_"}

// Counted is the reverse of naming counters: the class and the decider whose first
// packets a counter of the table has. It is not ok for names of another form.
func Counted(counter string) (class string, d Decider, ok bool) {
	for action, prefix := range counterPrefixes {
		rest, found := strings.CutPrefix(counter, prefix)
		if !found {
			continue
		}
		name, module, found := strings.Cut(rest, "/")
		return "c_" + name, Decider{module, action}, found && module != ""
	}
	return "", Decider{}, false
}

// exceptions are the deciders of the class's intervals but the default's, each once:
// those of the most intervals first.
func (c Class) exceptions() []Decider {
	type share struct {
		Decider
		intervals int
	}
	var shares []share
	byDefault, last := c.decider(), -1 // neighbours often have the same
	for i := range c.Intervals {
		d := c.Intervals[i].decider()
		if d == byDefault {
			continue
		}
		if last < 0 || shares[last].Decider != d {
			last = slices.IndexFunc(shares, func(s share) bool { return s.Decider == d })
		}
		if last < 0 {
			last, shares = len(shares), append(shares, share{Decider: d})
		}
		shares[last].intervals++
	}
	slices.SortFunc(shares, func(a, b share) int {
		return cmp.Or(cmp.Compare(b.intervals, a.intervals), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Module, b.Module))
	})
	all := make([]Decider, len(shares))
	for i, s := range shares {
		all[i] = s.Decider
	}
	return all
}

// commonException is the decider of the most elements of the class's map. They only say
// "continue", and the rule that looks them up says where: elements that go to a chain
// would have the kernel follow every way through the table, at each change of one, and
// older kernels do that for each pod again. It is the zero Decider if there is none that
// is counted.
func commonException(exceptions []Decider) Decider {
	for _, d := range exceptions {
		if d.counted() {
			return d
		}
	}
	return Decider{}
}

// verdicts are those of the class's map, by decider.
func (c Class) verdicts(exceptions []Decider) map[Decider]nft.Verdict {
	all, common := map[Decider]nft.Verdict{}, commonException(exceptions)
	for _, d := range exceptions {
		switch {
		case !d.counted():
			all[d] = d.Action.verdict()
		case d == common:
			all[d] = nft.Continue()
		default:
			all[d] = nft.Goto(c.counterName(d))
		}
	}
	return all
}

// counting is what ends the way of a first packet through a class: it is counted,
// unless it belongs to no connection, and goes on.
func (c Class) counting(d Decider) []nft.Rule {
	verdict := nft.Rule{d.Action.verdict()}
	if !d.counted() {
		return []nft.Rule{verdict}
	}
	return []nft.Rule{{nft.Confirmed{Not: true}, nft.Counter{Name: c.counterName(d)}}, verdict}
}

// addTo adds the class's chain and map, its counters, and the chains for what is in the
// map, which have the names of their counters.
func (c Class) addTo(t *nft.Table) {
	exceptions := c.exceptions()
	t.Chains = append(t.Chains, c.chain(commonException(exceptions)))
	t.Maps = append(t.Maps, c.destinations(c.verdicts(exceptions)))
	if d := c.decider(); d.counted() {
		t.Counters = append(t.Counters, c.counterName(d))
	}
	for _, d := range exceptions {
		if d.counted() {
			name := c.counterName(d)
			t.Counters = append(t.Counters, name)
			t.Chains = append(t.Chains, nft.Chain{Name: name, Rules: c.counting(d)})
		}
	}
}

// maxLabel keeps names of counters below the kernel's 255 bytes, and short: one is sent
// with every element.
const maxLabel = 64

// label is what a module is called in names of counters: its name, or if that is long or
// has characters that nft's names cannot have, its beginning and a hash. A label is its
// own label.
func label(module string) string {
	if len(module) <= maxLabel && strings.IndexFunc(module, notInLabel) < 0 {
		return module
	}
	sum := sha256.Sum256([]byte(module))
	hash := "." + hex.EncodeToString(sum[:])[:12]
	beginning := strings.Map(func(r rune) rune {
		if notInLabel(r) {
			return '-'
		}
		return r
	}, module)
	return beginning[:min(len(beginning), maxLabel-len(hash))] + hash
}

func notInLabel(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
}
