package rules

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// Compiler compiles one ruleset after the other. What did not change since the last
// compilation is taken from that, which holds no more than its input and its output do.
// The zero Compiler is ready; it is for one goroutine.
type Compiler struct{ last *classes }

// Compile makes a ruleset with a Compiler of its own.
func Compile(network Network, node []Decision, pods []Decided) (*Ruleset, error) {
	return new(Compiler).Compile(network, node, pods)
}

// Compile makes the ruleset that does for every pod, and with node for every
// other source, what the decisions say. Equal input gives equal output, in any
// order of pods, entries and interfaces, and whatever was compiled before. Entries
// must not be changed afterwards.
//
// Classes are named by their content: "c_" and 12 hex digits.
//
// Whether the node holds the source addresses that decisions name is for the
// caller to know. The primary address as a source is the same as none.
//
// Errors are those of Network.Check and Decision.Check, and: a subject whose
// decisions leave a destination open, a pod without an IPv4 address, two pods
// with one address. They name the subject.
func (c *Compiler) Compile(network Network, node []Decision, pods []Decided) (*Ruleset, error) {
	if err := network.Check(); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	if err := checkAddresses(pods); err != nil {
		return nil, err
	}
	made := newClasses(network, c.last)
	nodeClass, err := made.of(node)
	if err != nil {
		return nil, fmt.Errorf("subject %q: %w", "node", err)
	}
	used := map[identity]Class{nodeClass.identity(): nodeClass}
	type member struct {
		addr  netip.Addr
		class identity
	}
	var members []member
	for _, p := range pods {
		class, err := made.of(p.Decisions)
		if err != nil {
			return nil, fmt.Errorf("subject %q: %w", p.Subject.Name, err)
		}
		if id := class.identity(); id != nodeClass.identity() {
			used[id] = class
			members = append(members, member{p.Subject.Addr, id})
		}
	}
	made.done()
	c.last = made

	names := canonicalNames(slices.Collect(maps.Keys(used)))
	r := &Ruleset{Network: network.canonical(), Node: names[nodeClass.identity()], Pods: make([]Member, len(members))}
	for i, m := range members {
		r.Pods[i] = Member{m.addr, names[m.class]}
	}
	slices.SortFunc(r.Pods, func(a, b Member) int { return a.Addr.Compare(b.Addr) })
	for id, class := range used {
		class.Name = names[id]
		r.Classes = append(r.Classes, class)
	}
	r.sortClasses()
	return r, nil
}

// checkAddresses finds pods that no element can stand for. It looks at them in
// order of address and name, so that the error is the same for the same pods.
func checkAddresses(pods []Decided) error {
	subjects := make([]Subject, len(pods))
	for i, p := range pods {
		if !p.Subject.Addr.Is4() {
			return fmt.Errorf("subject %q: address %q: accepted is the pod's own IPv4 address",
				p.Subject.Name, addressText(p.Subject.Addr))
		}
		subjects[i] = p.Subject
	}
	slices.SortFunc(subjects, func(a, b Subject) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Name, b.Name))
	})
	for i := 1; i < len(subjects); i++ {
		if a, b := subjects[i-1], subjects[i]; a.Addr == b.Addr {
			return fmt.Errorf("subjects %q and %q: both have the address %s: accepted is one pod per address",
				a.Name, b.Name, a.Addr)
		}
	}
	return nil
}

// addressText is empty where netip would say "invalid IP".
func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func (r *Ruleset) sortClasses() {
	slices.SortFunc(r.Classes, func(a, b Class) int { return cmp.Compare(a.Name, b.Name) })
}
