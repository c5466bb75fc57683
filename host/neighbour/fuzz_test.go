package neighbour

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
)

// Rules of programs that nobody here has seen are judged without harm.
func FuzzRule(f *testing.F) {
	seed := func(name string, data ...byte) []byte {
		e := attribute.Append(nil, unix.NFTA_EXPR_NAME, append([]byte(name), 0))
		return attribute.Append(nil, unix.NFTA_LIST_ELEM, attribute.Append(e, unix.NFTA_EXPR_DATA, data))
	}
	for _, name := range []string{"meta", "ct", "payload", "bitwise", "cmp", "range", "lookup", "immediate", "fib", "match", "target", "nat", "masq"} {
		data := attribute.Append(nil, 1, []byte{0, 0, 0, 1})
		data = attribute.Append(data, 2, []byte{0, 0, 0, 3})
		data = attribute.Append(data, 3, attribute.Append(nil, unix.NFTA_DATA_VALUE, []byte{1, 2, 3, 4}))
		f.Add(seed(name, data...))
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		r := &rule{chain: &chain{chainID: chainID{tableID{unix.NFPROTO_IPV4, "nat"}, "POSTROUTING"}}}
		for _, e := range attribute.All(b) {
			r.expressions = append(r.expressions, expressionOf(e))
		}
		r.chain.rules = []*rule{r}
		s := &ruleset{chains: []*chain{r.chain}, sets: map[setID][]element{{r.chain.table, ""}: nil}}
		if needsSet(r) {
			return
		}
		w := &walk{rules: s, packet: testNode.packets()[0], found: func(*rule) {}}
		w.chain(r.chain, all)
		s.marking(testNode.Mark)
	})
}

// needsSet tells that a rule asks for a set, which would be read from the kernel.
func needsSet(r *rule) bool {
	for _, e := range r.expressions {
		if e.name == "lookup" && e.text(unix.NFTA_LOOKUP_SET) != "" {
			return true
		}
	}
	return false
}

func FuzzLegacy(f *testing.F) {
	f.Add(make([]byte, entryLength+targetData))
	f.Fuzz(func(_ *testing.T, b []byte) {
		entries, err := parseLegacy(b, nil)
		if err != nil {
			return
		}
		for _, e := range entries {
			e.mayMatch(testNode.packets()[0])
		}
	})
}
