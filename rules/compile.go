package rules

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// Compile makes the ruleset that does for every pod, and with node for every
// other source, what the decisions say. Equal input gives equal output, in any
// order of pods, entries and interfaces, and the input is not kept.
//
// Classes are named by their content: "c_" and 12 hex digits.
//
// Whether the node holds the source addresses that decisions name is for the
// caller to know. The primary address as a source is the same as none.
//
// Errors are those of Network.Check and Decision.Check, and: a subject whose
// decisions leave a destination open, a pod without an IPv4 address, two pods
// with one address. They name the subject.
func Compile(network Network, node []Decision, pods []Decided) (*Ruleset, error) {
	if err := network.Check(); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	if err := checkAddresses(pods); err != nil {
		return nil, err
	}
	c := newClasses(network)
	nodeClass, err := c.of(node)
	if err != nil {
		return nil, fmt.Errorf("subject %q: %w", "node", err)
	}
	members := []Member{} // Class holds the content until names are known
	for _, p := range pods {
		class, err := c.of(p.Decisions)
		if err != nil {
			return nil, fmt.Errorf("subject %q: %w", p.Subject.Name, err)
		}
		if class != nodeClass {
			members = append(members, Member{p.Subject.Addr, class})
		}
	}
	slices.SortFunc(members, func(a, b Member) int { return a.Addr.Compare(b.Addr) })
	return c.ruleset(network.canonical(), nodeClass, members), nil
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

// ruleset names the classes and puts everything in order. Every class that was
// made is node's or has a member.
func (c *classes) ruleset(network Network, node string, members []Member) *Ruleset {
	contents := make([]string, 0, len(c.byContent))
	for content := range c.byContent {
		contents = append(contents, content)
	}
	names := canonicalNames(contents)
	r := &Ruleset{Network: network, Node: names[node], Pods: members}
	for i, m := range members {
		members[i].Class = names[m.Class]
	}
	for content, class := range c.byContent {
		class.Name = names[content]
		r.Classes = append(r.Classes, class)
	}
	r.sortClasses()
	return r
}

func (r *Ruleset) sortClasses() {
	slices.SortFunc(r.Classes, func(a, b Class) int { return cmp.Compare(a.Name, b.Name) })
}
