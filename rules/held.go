package rules

import (
	"slices"
	"strings"

	"github.com/snatd/snatd/rules/nft"
)

// FromTable is the reverse of Ruleset.Table: what a table that was read from a kernel
// says, and whether it says nothing else. What was changed by others, or made by
// another version, is left out where it cannot be understood. It is nil for nil.
//
// What a table does not say is not in the ruleset: the primary interface if it needs
// none, and of a draining one how it would translate.
func FromTable(t *nft.Table) (r *Ruleset, exact bool) {
	if t == nil {
		return nil, true
	}
	h := heldTable{t}
	r = &Ruleset{Network: h.network(), Classes: h.classes()}
	if rules := h.rules(preroutingChain); len(rules) > 0 {
		if last, ok := find[nft.Verdict](rules[len(rules)-1:]); ok && r.has(last.Goto) {
			r.Node = last.Goto
		}
	}
	for _, e := range h.elements(podsMap) {
		if e.First == e.Last && r.has(e.Verdict.Goto) {
			r.Pods = append(r.Pods, Member{e.First, e.Verdict.Goto})
		}
	}
	return r, len(nft.Diff(t, r.Table())) == 0
}

func (r *Ruleset) has(class string) bool {
	_, ok := r.find(class)
	return ok
}

// heldTable answers what is in a table; what is missing is empty.
type heldTable struct{ *nft.Table }

func (h heldTable) rules(chain string) []nft.Rule {
	for _, c := range h.Chains {
		if c.Name == chain {
			return c.Rules
		}
	}
	return nil
}

func (h heldTable) elements(name string) []nft.Element {
	for _, m := range h.Maps {
		if m.Name == name {
			return m.Elements
		}
	}
	return nil
}

// find returns the first expression of a type.
func find[T nft.Expr](rules []nft.Rule) (found T, ok bool) {
	for _, r := range rules {
		for _, e := range r {
			if found, ok = e.(T); ok {
				return found, true
			}
		}
	}
	return found, false
}

func (h heldTable) network() (n Network) {
	pods, _ := find[nft.InputInterface](h.rules(preroutingChain))
	n.PodInterfaces = pods.Patterns
	exempt, _ := find[nft.OutputInterface](h.rules(postroutingChain))
	n.ExemptInterfaces = exempt.Patterns
	for _, r := range h.rules(restoreChain) {
		mark, ok := find[nft.MarkIsSet]([]nft.Rule{r})
		switch {
		case !ok:
		case n.Mark == 0:
			n.Mark = mark.Mask
		default:
			n.EarlierMarks = append(n.EarlierMarks, mark.Mask)
		}
	}
	nat, ok := find[nft.NAT](h.rules(postroutingChain))
	if !ok {
		nat, _ = find[nft.NAT](h.rules(primaryChain))
	}
	n.Primary, n.Randomize = nat.To, randomizeOf(nat.Ports)
	n.NodePorts = slices.ContainsFunc(h.Chains, func(c nft.Chain) bool { return c.Name == nodePortsChain })
	if uplink, ok := find[nft.InputInterface](h.rules(nodePortsChain)); ok && len(uplink.Patterns) == 1 {
		n.PrimaryInterface = uplink.Patterns[0]
	}
	return n
}

// randomizeOf is the reverse of ports.
func randomizeOf(p nft.PortChoice) Randomize {
	switch p {
	case nft.PortsFullyRandom:
		return RandomizePRNG
	case nft.PortsRandom:
		return RandomizeHash
	}
	return RandomizeNone
}

// classes are those whose chains end as a class's does.
func (h heldTable) classes() (all []Class) {
	for _, chain := range h.Chains {
		lookup, rest := splitAtLookup(chain.Rules)
		byDefault, ok := counting(chain.Name, rest)
		if !strings.HasPrefix(chain.Name, "c_") || !ok {
			continue
		}
		exception, _ := find[nft.Verdict]([]nft.Rule{lookup})
		c := Class{Name: chain.Name, Default: byDefault.outcome, Module: byDefault.module}
		for _, e := range h.elements(c.Name) {
			verdict := e.Verdict
			if verdict == nft.Continue() {
				verdict = exception
			}
			if r, ok := rulingOf(c.Name, verdict); ok {
				c.Intervals = append(c.Intervals, Interval{e.First, e.Last, r.outcome, r.module})
			}
		}
		if sources := h.sources(c); len(sources) > 0 {
			c = classOf(withSources(c.spans(), sources))
			c.Name = chain.Name
		}
		all = append(all, c)
	}
	return all
}

// splitAtLookup returns the rule that looks up, and those behind it.
func splitAtLookup(rules []nft.Rule) (lookup nft.Rule, rest []nft.Rule) {
	for i, r := range rules {
		if _, ok := find[nft.Lookup]([]nft.Rule{r}); ok {
			return r, rules[i+1:]
		}
	}
	return nil, nil
}

// rulingOf is the reverse of Class.verdicts for the class of a name. What a chain that
// counts is there for is in its name.
func rulingOf(class string, v nft.Verdict) (ruling, bool) {
	if of, d, ok := Counted(v.Goto); ok && of == class {
		return ruling{Outcome{Action: d.Action}, d.Module}, true
	}
	o, ok := outcomeOf(v)
	return ruling{outcome: o}, ok
}

// counting is the reverse of Class.counting for the class of a name.
func counting(class string, rules []nft.Rule) (ruling, bool) {
	verdict, _ := find[nft.Verdict](rules)
	r := ruling{}
	var ok bool
	r.outcome, ok = outcomeOf(verdict)
	counter, _ := find[nft.Counter](rules)
	if of, d, counts := Counted(counter.Name); counts && of == class && d.Action == r.outcome.Action {
		r.module = d.Module
	}
	return r, ok
}

// sources is the reverse of Class.sources.
func (h heldTable) sources(c Class) (all []span) {
	for _, e := range h.elements(c.sourceName()) {
		if e.Address.IsValid() {
			all = append(all, span{number(e.First), number(e.Last), ruling{outcome: Outcome{Translate, e.Address}}})
		}
	}
	return all
}

// withSources gives what is translated its sources, where there are some.
func withSources(spans, sources []span) (all []span) {
	for _, s := range spans {
		var own []span
		for len(sources) > 0 && sources[0].first <= s.last {
			part := sources[0]
			if s.outcome.Action == Translate && part.last >= s.first {
				first, last := max(part.first, s.first), min(part.last, s.last)
				own = append(own, span{first, last, ruling{part.outcome, s.module}})
			}
			if part.last > s.last {
				break
			}
			sources = sources[1:]
		}
		all = append(all, overlay(own, []span{s})...)
	}
	return all
}

// outcomeOf is the reverse of verdict.
func outcomeOf(v nft.Verdict) (Outcome, bool) {
	switch v {
	case nft.Accept():
		return Outcome{Action: Exclude}, true
	case nft.Goto(translateChain):
		return Outcome{Action: Translate}, true
	}
	return Outcome{}, false
}
