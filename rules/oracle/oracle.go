// Package oracle says what packets must meet, in the plainest way there is: a
// list of rules, and the longest prefix of the first module found by reading
// all of it. It shares no code with the compiler, which is held against it.
//
// Only tests use it. It may be slow; it may not be clever.
package oracle

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/snatd/snatd/rules"
)

// Rule is one entry of one module for one source.
type Rule struct {
	Src     netip.Addr // zero: sources that are no pod's
	Module  int        // lower numbers precede
	Name    string     // of the module
	Prefix  netip.Prefix
	Outcome rules.Outcome
}

// Oracle is the rules, and the pods that have rules of their own.
type Oracle struct {
	Rules []Rule
	Pods  []netip.Addr
}

// New takes what rules.Compile takes. It checks nothing.
func New(network rules.Network, node []rules.Decision, pods []rules.Decided) *Oracle {
	o := &Oracle{}
	o.add(network, netip.Addr{}, node)
	for _, p := range pods {
		o.Pods = append(o.Pods, p.Subject.Addr)
		o.add(network, p.Subject.Addr, p.Decisions)
	}
	return o
}

func (o *Oracle) add(network rules.Network, src netip.Addr, decisions []rules.Decision) {
	for i, d := range decisions {
		for _, e := range d.Entries {
			outcome := e.Outcome
			if outcome.Source == network.Primary {
				outcome.Source = netip.Addr{}
			}
			o.Rules = append(o.Rules, Rule{src, i, d.Module, e.Prefix, outcome})
		}
	}
}

// Lookup returns what happens from src to dst, the zero Outcome if no rule says.
func (o *Oracle) Lookup(src, dst netip.Addr) rules.Outcome {
	outcome, _ := o.Decide(src, dst)
	return outcome
}

// Decide is Lookup with the module that says so.
func (o *Oracle) Decide(src, dst netip.Addr) (outcome rules.Outcome, module string) {
	if !slices.Contains(o.Pods, src) {
		src = netip.Addr{}
	}
	var best *Rule
	for i := range o.Rules {
		r := &o.Rules[i]
		if r.Src != src || !inside(r.Prefix, dst) {
			continue
		}
		if best == nil || r.Module < best.Module ||
			r.Module == best.Module && r.Prefix.Bits() > best.Prefix.Bits() {
			best = r
		}
	}
	if best == nil {
		return rules.Outcome{}, ""
	}
	return best.Outcome, best.Name
}

// Boundaries returns the destinations where a wrong answer would show: the
// first and the last address of every prefix, and the ones before and behind.
func (o *Oracle) Boundaries() []netip.Addr {
	var all []netip.Addr
	for _, r := range o.Rules {
		first := r.Prefix.Addr()
		last := lastOf(r.Prefix)
		for _, a := range []netip.Addr{first.Prev(), first, last, last.Next()} {
			if a.IsValid() {
				all = append(all, a)
			}
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// inside compares the bits of the network, one by one.
func inside(p netip.Prefix, a netip.Addr) bool {
	network, addr := p.Addr().As4(), a.As4()
	for bit := range p.Bits() {
		mask := byte(0x80) >> (bit % 8)
		if network[bit/8]&mask != addr[bit/8]&mask {
			return false
		}
	}
	return true
}

func lastOf(p netip.Prefix) netip.Addr {
	octets := p.Addr().As4()
	n := uint64(binary.BigEndian.Uint32(octets[:])) + 1<<(32-p.Bits()) - 1
	binary.BigEndian.PutUint32(octets[:], uint32(n))
	return netip.AddrFrom4(octets)
}
