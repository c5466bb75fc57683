package facts_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/snatd/snatd/host/facts"
)

// What is written is read back the same, whatever labels look like.
func TestEncode(t *testing.T) {
	for name, text := range map[string]string{
		"full":      full,
		"vpc":       vpc,
		"little":    "vpc: {cidrs: [0.0.0.0/0]}\n",
		"addresses": "node: {primaryAddress: 10.0.0.10, addresses: [10.0.0.10, 10.0.0.11], primaryInterface: eth0}\nvpc: {cidrs: [0.0.0.0/0]}\n",
		"odd labels": `
vpc: {cidrs: [10.0.0.0/16]}
pods:
- namespace: a
  name: b
  labels: {n: "1", b: "true", nul: "null", e: "", t: "~", d: "2026-11-22", x: "0x10", f: "1e3", y: "yes", c: "a: b", h: "# c", q: "it's", p: "%x", star: "*a", amp: "&a"}
  annotations: {lines: "one\ntwo\n", quote: "\"", tab: "a\tb", unicode: "é\u2028", space: " a ", brace: "{a: [b]}", dash: "- a"}
`,
	} {
		want := load(t, text)
		encoded, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got := load(t, string(encoded))
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(facts.Document{}), cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s\n%s", name, diff, encoded)
		}
	}
}
