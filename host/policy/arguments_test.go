package policy

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

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
	sources := []netip.Addr{netip.MustParseAddr("10.0.0.11")}
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
			`translate "8.0.0.0/8": the grant sources does not list 10.0.0.11`},
		{"source that the node does not hold", Grants{Sources: sources}, translate("8.0.0.0/8", "10.0.0.11"), ClassOutput,
			`translate "8.0.0.0/8": the node's primary interface does not hold the source 10.0.0.11`},
		{"IPv6 source", Grants{Sources: sources}, translate("8.0.0.0/8", "fd00::1"), ClassOutput,
			`translate "8.0.0.0/8": the source "fd00::1" is not an IPv4 address; accepted: such as 10.0.0.11, or empty for the primary address`},
		{"source that is none", Grants{Translate: true}, translate("8.0.0.0/8", long), ClassOutput,
			`translate "8.0.0.0/8": the source "` + long[:64] + `..." is not an IPv4 address; accepted: such as 10.0.0.11, or empty for the primary address`},
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
