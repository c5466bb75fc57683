package facts

import (
	"maps"
	"slices"
	"strings"
)

// Lean is a snapshot to be kept for later: without subjects and without what it was read
// from. What it has in common with an earlier one, nil for none, is the same in memory.
func (s *Snapshot) Lean(earlier *Snapshot) *Snapshot {
	out := *s
	out.subjects, out.source = nil, nil
	if earlier == nil {
		earlier = &Snapshot{}
	}
	out.Pods = shared(earlier.Pods, s.Pods, Pod.FullName, Pod.equal, Pod.clone)
	name := func(n Namespace) string { return n.Name }
	out.Namespaces = shared(earlier.Namespaces, s.Namespaces, name, Namespace.equal, Namespace.clone)
	if slices.Equal(earlier.VPC.CIDRs, s.VPC.CIDRs) {
		out.VPC.CIDRs = earlier.VPC.CIDRs
	}
	if slices.Equal(earlier.VPC.Routes, s.VPC.Routes) {
		out.VPC.Routes = earlier.VPC.Routes
	}
	if slices.EqualFunc(earlier.VPC.PrefixLists, s.VPC.PrefixLists, PrefixList.equal) {
		out.VPC.PrefixLists = earlier.VPC.PrefixLists
	}
	if slices.EqualFunc(earlier.VPC.Peerings, s.VPC.Peerings, Peering.equal) {
		out.VPC.Peerings = earlier.VPC.Peerings
	}
	return &out
}

// shared is now with what is in before too taken from there, and the rest cloned. Both are
// sorted by name.
func shared[T any](before, now []T, name func(T) string, equal func(a, b T) bool, clone func(T) T) []T {
	if slices.EqualFunc(before, now, equal) {
		return before
	}
	list := slices.Clone(now)
	for i, one := range list {
		at, found := slices.BinarySearchFunc(before, name(one), func(b T, wanted string) int { return strings.Compare(name(b), wanted) })
		if found && equal(before[at], one) {
			list[i] = before[at]
		} else {
			list[i] = clone(one)
		}
	}
	return list
}

// clone holds on to nothing: a string may be a part of the file that it was read from.
func (p Pod) clone() Pod {
	for _, text := range []*string{&p.Namespace, &p.Name, &p.ServiceAccount, &p.Phase} {
		*text = strings.Clone(*text)
	}
	p.Labels, p.Annotations = cloned(p.Labels), cloned(p.Annotations)
	return p
}

func (n Namespace) clone() Namespace {
	return Namespace{strings.Clone(n.Name), cloned(n.Labels), cloned(n.Annotations)}
}

// sameValues keeps nil apart from empty, which are written otherwise, as cloned does.
func sameValues(a, b map[string]string) bool { return (a == nil) == (b == nil) && maps.Equal(a, b) }

func cloned(values map[string]string) map[string]string {
	if values == nil {
		return nil
	}
	out := make(map[string]string, len(values))
	for key, value := range values {
		out[strings.Clone(key)] = strings.Clone(value)
	}
	return out
}

func (p Pod) equal(q Pod) bool {
	return p.Namespace == q.Namespace && p.Name == q.Name && p.IP == q.IP && p.HostNetwork == q.HostNetwork && p.Phase == q.Phase &&
		p.ServiceAccount == q.ServiceAccount && sameValues(p.Labels, q.Labels) && sameValues(p.Annotations, q.Annotations)
}

func (n Namespace) equal(m Namespace) bool {
	return n.Name == m.Name && sameValues(n.Labels, m.Labels) && sameValues(n.Annotations, m.Annotations)
}

func (p PrefixList) equal(q PrefixList) bool {
	return p.ID == q.ID && p.Name == q.Name && slices.Equal(p.CIDRs, q.CIDRs)
}

func (p Peering) equal(q Peering) bool { return p.ID == q.ID && slices.Equal(p.CIDRs, q.CIDRs) }

// Size is about how many bytes of memory a snapshot without subjects takes, were nothing of
// it shared.
func (s *Snapshot) Size() int {
	const pod, prefix, entry = 120, 32, 64
	values := func(m map[string]string) (n int) {
		for key, value := range m {
			n += entry + len(key) + len(value)
		}
		return n
	}
	n := values(s.Node.Labels) + values(s.Node.Annotations) + prefix*(len(s.VPC.CIDRs)+3*len(s.VPC.Routes)+len(s.ExcludeCIDRs)+len(s.Addresses))
	for _, l := range s.VPC.PrefixLists {
		n += prefix * (3 + len(l.CIDRs))
	}
	for _, p := range s.VPC.Peerings {
		n += prefix * (3 + len(p.CIDRs))
	}
	for _, ns := range s.Namespaces {
		n += pod + len(ns.Name) + values(ns.Labels) + values(ns.Annotations)
	}
	for _, p := range s.Pods {
		n += pod + len(p.Namespace) + len(p.Name) + len(p.ServiceAccount) + values(p.Labels) + values(p.Annotations)
	}
	return n
}
