package policy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// TestPointers calls every host function with every pointer out of bounds, in
// turn.
func TestPointers(t *testing.T) {
	const size = 65536
	tests := []struct {
		function string
		params   string // "p" pointer, "n" its length, "i" another number
		names    []string
	}{
		{abi.Fact, "pnpn", []string{"key", "buffer"}},
		{abi.FactKeys, "pnpn", []string{"key", "buffer"}},
		{abi.Exclude, "pnpn", []string{"cidr", "reason"}},
		{abi.Translate, "pnpnpn", []string{"cidr", "source", "reason"}},
		{abi.Log, "ipn", []string{"message"}},
		{abi.Fail, "pn", []string{"message"}},
	}
	ranges := []struct{ pointer, length int32 }{
		{size, 1}, {size - 1, 2}, {0, size + 1}, {-1, 1}, {-1, -1}, {1, -1}, {-4, 8},
	}
	e := testEngine(t, Options{})
	for _, tt := range tests {
		for bad, name := range tt.names {
			for _, r := range ranges {
				g := newGuest()
				calls := map[string][]byte{
					abi.Fact: g.fact, abi.FactKeys: g.factKeys, abi.Exclude: g.exclude,
					abi.Translate: g.translate, abi.Log: g.log, abi.Fail: g.fail,
				}
				var code []byte
				pointers := 0
				for _, p := range tt.params {
					switch {
					case p == 'i':
						code = append(code, wasmtest.Const(0)...)
					case p == 'n' && pointers-1 == bad:
						code = append(code, wasmtest.Const(r.length)...)
					case p == 'n':
						code = append(code, wasmtest.Const(4)...)
					case p == 'p' && pointers == bad:
						code = append(code, wasmtest.Const(r.pointer)...)
						pointers++
					default:
						code = append(code, wasmtest.Const(8)...)
						pointers++
					}
				}
				code = append(code, calls[tt.function]...)
				if tt.function == abi.Fact || tt.function == abi.FactKeys {
					code = append(code, wasmtest.Drop...)
				}
				m := load(t, e, g.decide(0, code), Grants{Translate: true})
				_, err := decide(m, noFacts)
				wantError(t, err, ClassArgument, fmt.Sprintf("%s: %s of %d bytes at %d is outside the memory of %d bytes",
					tt.function, name, uint32(r.length), uint32(r.pointer), size))
			}
		}
	}
}

// TestEmptyPointers: the pointer of an empty text may be anything.
func TestEmptyPointers(t *testing.T) {
	g := newGuest()
	empty := bytes.Join([][]byte{wasmtest.Const(-1), wasmtest.Const(0)}, nil)
	wasm := g.decide(0,
		empty, empty, g.fact, wasmtest.Drop,
		g.Text("8.0.0.0/8"), empty, empty, g.translate,
		wasmtest.Const(0), empty, g.log)
	if _, err := decide(load(t, testEngine(t, Options{}), wasm, Grants{Translate: true}), noFacts); err != nil {
		t.Error(err)
	}
}

// checkError is what the compiler says about entries, without the module's name.
func checkError(entries ...rules.Entry) string {
	err := rules.Decision{Module: "test", Entries: entries}.Check()
	if err == nil {
		panic("the compiler accepts these entries")
	}
	return strings.TrimPrefix(err.Error(), `module "test": `)
}

func TestAnswers(t *testing.T) {
	kept := rules.Outcome{Action: rules.Exclude}
	exclude := func(cidr, why string) func(g guestModule) []byte {
		return func(g guestModule) []byte { return g.decide(0, g.Text(cidr), g.Text(why), g.exclude) }
	}
	translate := func(cidr, source string) func(g guestModule) []byte {
		return func(g guestModule) []byte {
			return g.decide(0, g.Text(cidr), g.Text(source), g.Text(""), g.translate)
		}
	}
	read := func(call func(g guestModule) []byte, key string) func(g guestModule) []byte {
		return func(g guestModule) []byte {
			return g.decide(0, g.Text(key), wasmtest.Const(0), wasmtest.Const(0), call(g), wasmtest.Drop)
		}
	}
	readAll := func(n int, key string) func(g guestModule) []byte {
		return func(g guestModule) []byte {
			var code []byte
			for i := range n {
				code = slices.Concat(code, g.Text(fmt.Sprint(key, i)), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Drop)
			}
			return g.decide(0, code)
		}
	}
	fact := func(g guestModule) []byte { return g.fact }
	factKeys := func(g guestModule) []byte { return g.factKeys }
	long := strings.Repeat("x", 2000)
	tests := []struct {
		name   string
		grants Grants
		wasm   func(g guestModule) []byte
		class  Class
		want   string
	}{
		{"not a CIDR", Grants{}, exclude("10.0.0.0/33", ""), ClassOutput,
			`exclude "10.0.0.0/33": not a CIDR; accepted: an IPv4 prefix such as 10.0.0.0/8`},
		{"empty CIDR", Grants{}, exclude("", ""), ClassOutput,
			`exclude "": not a CIDR; accepted: an IPv4 prefix such as 10.0.0.0/8`},
		{"an address", Grants{}, exclude("10.0.0.1", ""), ClassOutput,
			`exclude "10.0.0.1": not a CIDR; accepted: an IPv4 prefix such as 10.0.0.0/8`},
		{"long CIDR", Grants{}, exclude(long, ""), ClassOutput,
			`exclude "` + long[:64] + `...": not a CIDR; accepted: an IPv4 prefix such as 10.0.0.0/8`},
		{"CIDR that is not UTF-8", Grants{}, exclude("\xff/8", ""), ClassOutput,
			`exclude "\xff/8": not a CIDR; accepted: an IPv4 prefix such as 10.0.0.0/8`},
		{"host bits", Grants{}, exclude("10.0.0.1/16", ""), ClassOutput,
			checkError(rules.Entry{Prefix: prefix("10.0.0.1/16"), Outcome: kept})},
		{"IPv6", Grants{}, exclude("fd00::/8", ""), ClassOutput,
			checkError(rules.Entry{Prefix: prefix("fd00::/8"), Outcome: kept})},
		{"IPv4 in IPv6", Grants{}, exclude("::ffff:10.0.0.0/104", ""), ClassOutput,
			checkError(rules.Entry{Prefix: prefix("::ffff:10.0.0.0/104"), Outcome: kept})},
		{"two outcomes", Grants{Translate: true}, func(g guestModule) []byte {
			return g.decide(0, g.Text("8.0.0.0/8"), g.Text(""), g.exclude, g.Text("8.0.0.0/8"), g.Text(""), g.Text(""), g.translate)
		}, ClassOutput, checkError(
			rules.Entry{Prefix: prefix("8.0.0.0/8"), Outcome: kept},
			rules.Entry{Prefix: prefix("8.0.0.0/8"), Outcome: rules.Outcome{Action: rules.Translate}})},
		{"reason that is not UTF-8", Grants{}, exclude("10.0.0.0/8", "a\xff"), ClassArgument,
			`exclude: the reason "a\xff" is not valid UTF-8`},
		{"long reason", Grants{}, exclude("10.0.0.0/8", long), ClassLimit,
			"exclude: a reason of 2000 bytes; at most 256"},
		{"too many prefixes", Grants{}, func(g guestModule) []byte {
			return g.decide(0, wasmtest.Times(0, abi.MaxPrefixes+1, g.Text("10.0.0.0/8"), g.Text(""), g.exclude))
		}, ClassLimit, `exclude "10.0.0.0/8": more than 10000 prefixes in one decision`},
		{"translate without grant", Grants{}, translate("8.0.0.0/8", ""), ClassGrant,
			`translate "8.0.0.0/8": the grant translate is missing, only exclude is allowed`},
		{"source", Grants{Translate: true}, translate("8.0.0.0/8", "10.0.0.11"), ClassGrant,
			`translate "8.0.0.0/8": the source "10.0.0.11" is not available in this version; accepted: empty, for the node's primary address`},
		{"source without grant", Grants{}, translate("8.0.0.0/8", "10.0.0.11"), ClassGrant,
			`translate "8.0.0.0/8": the grant translate is missing, only exclude is allowed`},
		{"source that is none", Grants{Translate: true}, translate("8.0.0.0/8", long), ClassGrant,
			`translate "8.0.0.0/8": the source "` + long[:64] + `..." is not available in this version; accepted: empty, for the node's primary address`},
		{"long key", Grants{}, read(fact, long), ClassLimit, "fact: a key of 2000 bytes; at most 1024"},
		{"long prefix of keys", Grants{}, read(factKeys, long), ClassLimit, "fact_keys: a key of 2000 bytes; at most 1024"},
		{"key that is not UTF-8", Grants{}, read(fact, "a\xff"), ClassArgument, `fact: the key "a\xff" is not valid UTF-8`},
		{"long value", Grants{}, read(fact, "huge"), ClassLimit, `fact "huge": 262145 bytes; at most 262144`},
		{"long list of keys", Grants{}, read(factKeys, "many."), ClassLimit, `fact_keys "many.": 430000 bytes; at most 262144`},
		{"many reads", Grants{}, readAll(abi.MaxReads+1, "k"), ClassLimit, `fact "k4096": more than 4096 reads in one evaluation`},
		{"much read", Grants{}, readAll(5, "large"), ClassLimit,
			`fact "large3": more than 1048576 bytes of keys and values in one evaluation`},
		{"log level", Grants{}, func(g guestModule) []byte { return g.decide(0, wasmtest.Const(3), g.Text("x"), g.log) },
			ClassArgument, "log: level 3; accepted: -1 (debug) to 2 (error)"},
		{"long log line", Grants{}, func(g guestModule) []byte {
			return g.decide(0, wasmtest.Const(0), g.Text(long+long+long), g.log)
		}, ClassLimit, "log: a line of 6000 bytes; at most 4096"},
		{"much log", Grants{}, func(g guestModule) []byte {
			return g.decide(0, wasmtest.Times(0, 40, wasmtest.Const(0), g.Text(long), g.log))
		}, ClassLimit, "log: more than 65536 bytes of lines in one evaluation"},
	}
	facts := sdk.Map{"huge": strings.Repeat("v", abi.MaxValue+1)}
	for i := range 5 {
		facts[fmt.Sprint("large", i)] = strings.Repeat("v", abi.MaxValue)
	}
	for i := range 43_000 {
		facts[fmt.Sprintf("many.%04x", i)] = ""
	}
	e := testEngine(t, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := decide(load(t, e, tt.wasm(newGuest()), tt.grants), facts)
			wantError(t, err, tt.class, tt.want)
			if len(got.Decision.Entries) != 0 {
				t.Errorf("entries of a failed evaluation: %v", got.Decision.Entries)
			}
		})
	}
}
