package wasmtest

import (
	"fmt"

	"github.com/snatd/snatd/sdk/abi"
)

// trespassers give the host pointers and lengths outside of their memory, for
// each parameter of each host function in turn.
func trespassers() (all []Adversary) {
	const size = 1 << 16
	ranges := []struct {
		name            string
		pointer, length int32
	}{
		{"behind-the-end", size, 1},
		{"over-the-end", size - 1, 2},
		{"too-long", 0, size + 1},
		{"at-4-gib", -1, 1},
		{"of-4-gib", 0, -1},
		{"of-4-gib-at-4-gib", -1, -1},
		{"that-wraps-to-zero", 1, -1},
		{"that-wraps", -4, 8},
	}
	for _, f := range []struct {
		name   string
		params string // "p" pointer, "n" its length, "i" another number
		names  []string
		call   func(g Guest) []byte
	}{
		{abi.Fact, "pnpn", []string{"key", "buffer"}, func(g Guest) []byte { return append(g.Fact, Drop...) }},
		{abi.FactKeys, "pnpn", []string{"key", "buffer"}, func(g Guest) []byte { return append(g.FactKeys, Drop...) }},
		{abi.Exclude, "pnpn", []string{"cidr", "reason"}, func(g Guest) []byte { return g.Exclude }},
		{abi.Translate, "pnpnpn", []string{"cidr", "source", "reason"}, func(g Guest) []byte { return g.Translate }},
		{abi.Log, "ipn", []string{"message"}, func(g Guest) []byte { return g.Log }},
		{abi.Fail, "pn", []string{"message"}, func(g Guest) []byte { return g.Fail }},
	} {
		for bad, what := range f.names {
			for _, r := range ranges {
				message := fmt.Sprintf("%s: %s of %d bytes at %d is outside the memory of %d bytes",
					f.name, what, uint32(r.length), uint32(r.pointer), size)
				name := fmt.Sprintf("%s-%s-%s", dashes(f.name), what, r.name)
				all = append(all, fails(name, argument, message, func(g Guest) []byte {
					return g.Decide(0, arguments(f.params, bad, r.pointer, r.length), f.call(g))
				}))
			}
		}
	}
	return all
}

// arguments pushes parameters of which one range is bad.
func arguments(params string, bad int, pointer, length int32) (code []byte) {
	ranges := -1
	for _, p := range params {
		value := int32(0)
		switch {
		case p == 'p':
			if ranges++; ranges == bad {
				value = pointer
			} else {
				value = 8
			}
		case p == 'n' && ranges == bad:
			value = length
		case p == 'n':
			value = 4
		}
		code = append(code, Const(value)...)
	}
	return code
}
