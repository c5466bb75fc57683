package wasmtest

import (
	"fmt"
	"strings"

	"github.com/snatd/snatd/sdk/abi"
)

// liars answer with what is no answer.
func liars() []Adversary {
	exclude := func(cidr, why string) source {
		return func(g Guest) []byte { return g.Decide(0, g.Text(cidr), g.Text(why), g.Exclude) }
	}
	all := []Adversary{
		fails("reason-that-is-not-utf8", argument, `exclude: the reason "\xff\xfe" is not valid UTF-8`, exclude(Excluded, "\xff\xfe")),
		fails("reason-of-a-kilobyte", limit, fmt.Sprintf("exclude: a reason of 1024 bytes; at most %d", abi.MaxReason), exclude(Excluded, strings.Repeat("x", 1024))),
		fails("key-that-is-not-utf8", argument, `fact: the key "\xc3(" is not valid UTF-8`, func(g Guest) []byte {
			return g.Decide(0, g.Text("\xc3("), Const(0), Const(0), g.Fact, Drop)
		}),
		fails("prefix-of-keys-that-is-not-utf8", argument, `fact_keys: the key "\xed\xa0\x80" is not valid UTF-8`, func(g Guest) []byte {
			return g.Decide(0, g.Text("\xed\xa0\x80"), Const(0), Const(0), g.FactKeys, Drop)
		}),
		fails("failure-that-is-not-utf8", failed, "\uFFFD [31mred", func(g Guest) []byte {
			return g.Decide(0, g.Text("\xff\x1b[31mred\n"), g.Fail)
		}),
		fails("translate-without-grant", grant, `translate "0.0.0.0/0": the grant translate is missing, only exclude is allowed`, func(g Guest) []byte {
			return g.Decide(0, g.Text("0.0.0.0/0"), g.Text(""), g.Text(""), g.Translate)
		}),
		fails("result-of-2", failed, "decide returned 2; accepted: 0 (decided) or 1 (no opinion)", func(g Guest) []byte { return g.Decide(2) }),
		fails("result-below-0", failed, "decide returned -2147483648; accepted: 0 (decided) or 1 (no opinion)", func(g Guest) []byte { return g.Decide(-1 << 31) }),
		fails("log-level", argument, "log: level -2147483648; accepted: -1 (debug) to 2 (error)", func(g Guest) []byte {
			return g.Decide(0, Const(-1<<31), g.Text("x"), g.Log)
		}),
		refused("exclude-in-validate", argument, "exclude: called in validate; accepted in decide", func(g Guest) []byte {
			g.Func(abi.Validate, Sig(0, 1), g.Text(Excluded), g.Text(""), g.Exclude, Const(0))
			return g.Decide(0)
		}),
		refused("fact-in-initialize", argument, "fact: called in _initialize; accepted in decide, validate", func(g Guest) []byte {
			g.Func(abi.Initialize, Sig(0, 0), g.Text("k"), Const(0), Const(0), g.Fact, Drop)
			return g.Decide(0)
		}),
		fails("buffer-in-the-key", failed, "decide returned 7; accepted: 0 (decided) or 1 (no opinion)", func(g Guest) []byte {
			key := g.Place("subject.kind")
			return g.Decide(7, Const(key), Const(12), Const(key), Const(12), g.Fact, Drop)
		}),
	}
	for _, c := range []struct{ name, cidr string }{
		{"empty", ""}, {"address", "10.0.0.1"}, {"33-bits", "10.0.0.0/33"}, {"minus", "10.0.0.0/-1"}, {"octal", "010.0.0.0/8"},
		{"zone", "fe80::%eth0/64"}, {"newline", "10.0.0.0/8\n"}, {"nul", "10.0.0.0/8\x00"}, {"not-utf8", "\xff/8"},
		{"words", "all of it"}, {"two", "10.0.0.0/8 11.0.0.0/8"}, {"digits", "١٠.0.0.0/8"},
	} {
		message := fmt.Sprintf("exclude %q: not a CIDR; accepted: an IPv4 prefix such as 10.0.0.0/8", c.cidr)
		all = append(all, fails("cidr-"+c.name, output, message, exclude(c.cidr, "")))
	}
	return all
}
