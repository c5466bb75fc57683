package rules

import (
	"cmp"
	"net/netip"
	"slices"
)

// Lookup returns what the kernel does with the first packet from src to dst, as
// it comes from a pod's interface. What the table does not translate is
// excluded: without a ruleset, while draining, and IPv6.
func (r *Ruleset) Lookup(src, dst netip.Addr) Outcome {
	if r == nil || r.Node == "" || !src.Is4() || !dst.Is4() {
		return Outcome{Action: Exclude}
	}
	return r.class(r.ClassOf(src)).lookup(dst)
}

// Seen is the source that dst sees of the first packet from src.
func (r *Ruleset) Seen(src, dst netip.Addr) netip.Addr {
	switch outcome := r.Lookup(src, dst); {
	case outcome.Action != Translate:
		return src
	case outcome.Source.IsValid():
		return outcome.Source
	}
	return r.Network.Primary
}

// class returns a class by its name, which exists.
func (r *Ruleset) class(name string) Class {
	c, _ := r.find(name)
	return c
}

// find returns a class by its name, if there is one.
func (r *Ruleset) find(name string) (Class, bool) {
	i, ok := slices.BinarySearchFunc(r.Classes, name, func(c Class, name string) int {
		return cmp.Compare(c.Name, name)
	})
	if !ok {
		return Class{}, false
	}
	return r.Classes[i], true
}

// ClassOf returns the name of the class that decides for packets from src;
// empty while draining.
func (r *Ruleset) ClassOf(src netip.Addr) string {
	if i, ok := slices.BinarySearchFunc(r.Pods, src, func(m Member, a netip.Addr) int {
		return m.Addr.Compare(a)
	}); ok {
		return r.Pods[i].Class
	}
	return r.Node
}

func (c Class) lookup(dst netip.Addr) Outcome {
	i, _ := slices.BinarySearchFunc(c.Intervals, dst, func(i Interval, a netip.Addr) int {
		return i.Last.Compare(a)
	})
	if i < len(c.Intervals) && c.Intervals[i].First.Compare(dst) <= 0 {
		return c.Intervals[i].Outcome
	}
	return c.Default
}
