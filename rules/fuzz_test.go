package rules_test

import (
	"net/netip"
	"testing"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
	"github.com/snatd/snatd/rules/oracle"
)

// tape reads the fuzzer's bytes, and zeros behind their end.
type tape []byte

func (t *tape) next() byte {
	if len(*t) == 0 {
		return 0
	}
	b := (*t)[0]
	*t = (*t)[1:]
	return b
}

// decision reads a number of entries and then six bytes each: an address, the
// length of the prefix and an outcome.
func (t *tape) decision(name string) rules.Decision {
	d := rules.Decision{Module: name}
	for range t.next() % 12 {
		a := netip.AddrFrom4([4]byte{t.next(), t.next(), t.next(), t.next()})
		bits := t.next() % 33
		o := []rules.Outcome{exclude, translate, to("10.0.0.11"), to("10.0.0.12")}[t.next()%4]
		d.Entries = append(d.Entries, rules.Entry{Prefix: netip.PrefixFrom(a, int(bits)).Masked(), Outcome: o})
	}
	return d
}

// state reads two modules, a total one behind them, and for the node and up to
// three pods which of the two decide.
func (t *tape) state() (node []rules.Decision, pods []rules.Decided) {
	a, b := t.decision("a"), t.decision("b")
	last := excluding()
	switch t.next() % 3 {
	case 1:
		last = module("default", entries(exclude, "0.0.0.0/0"))
	case 2:
		last = module("default", entries(to("10.0.0.12"), "0.0.0.0/0"))
	}
	decisions := func() []rules.Decision {
		var on []rules.Decision
		which := t.next()
		if which&1 != 0 {
			on = append(on, a)
		}
		if which&2 != 0 {
			on = append(on, b)
		}
		return append(on, last)
	}
	node = decisions()
	for i := range t.next() % 4 {
		pods = append(pods, rules.Decided{
			Subject:   rules.Subject{Name: "pod", Addr: netip.AddrFrom4([4]byte{10, 0, 1, i})},
			Decisions: decisions(),
		})
	}
	return node, pods
}

// FuzzCompile compiles two states, goes from nothing to the first and from
// there to the second, and holds both against the oracle.
func FuzzCompile(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x02\x0a\x00\x00\x00\x10\x00\x0a\x00\x80\x00\x11\x01\x00\x00\x01\x01\x00"))
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff\x20\x01\x00\x03\x03\x00\x01\x02"))
	f.Add([]byte("\x02\x80\x00\x00\x00\x01\x00\x80\x00\x00\x00\x02\x01\x01\x00\x00\x00\x00\x20\x01\x01\x02\x02\x01\x03" +
		"\x01\x80\x00\x00\x00\x01\x01\x00\x00\x02\x02\x01\x03"))
	f.Add([]byte("\x02\x0a\x00\x00\x00\x08\x00\x0a\x00\x00\x00\x08\x01\x00\x00\x01"))
	// One module with another source, for the node and then for a pod.
	f.Add([]byte("\x02\x0a\x00\x00\x00\x08\x02\x0a\x00\x00\x00\x10\x00\x00\x00\x01\x01\x00" +
		"\x01\x08\x00\x00\x00\x08\x03\x00\x00\x00\x02\x01\x00"))
	// The node's source is another one, the pod's the primary address.
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x01\x00\x02\x00\x02\x01\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		input := tape(data)
		var held *rules.Ruleset
		var kernel *nft.Table
		for range 2 {
			node, pods := input.state()
			r, err := rules.Compile(network(), node, pods)
			if (err != nil) != contradicts(node, pods) {
				t.Fatalf("error is %v", err)
			}
			if err != nil {
				return
			}
			o := oracle.New(network(), node, pods)
			compare(t, o, r)
			plan := rules.Diff(held, r)
			if kernel, err = nfttest.Apply(kernel, plan.Ops); err != nil {
				t.Fatalf("%v, in\n%s", err, plan.Ops)
			}
			held = plan.After
			compare(t, o, held)
			passPackets(t, o, held, kernel)
		}
	})
}

// contradicts says whether a decision has an error; from a tape it can only be
// a prefix with two outcomes.
func contradicts(node []rules.Decision, pods []rules.Decided) bool {
	all := node
	for _, p := range pods {
		all = append(all[:len(all):len(all)], p.Decisions...)
	}
	for _, d := range all {
		outcomes := map[netip.Prefix]rules.Outcome{}
		for _, e := range d.Entries {
			if before, twice := outcomes[e.Prefix]; twice && before != e.Outcome {
				return true
			}
			outcomes[e.Prefix] = e.Outcome
		}
	}
	return false
}
