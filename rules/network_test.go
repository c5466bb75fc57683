package rules_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/snatd/snatd/rules"
)

func TestNetworkCheck(t *testing.T) {
	const accepted = ` accepted is ASCII without spaces, quotes, '\\', '/', ':', and '*' only at the end of a pattern`
	for _, c := range []struct {
		name   string
		change func(*rules.Network)
		want   string
	}{
		{"good", func(*rules.Network) {}, ""},
		{"longest name", func(n *rules.Network) { n.PodInterfaces = []string{"abcdefghijklmno"} }, ""},
		{"longest pattern", func(n *rules.Network) { n.PodInterfaces = []string{"abcdefghijklmn*"} }, ""},
		{"highest bit", func(n *rules.Network) { n.Mark = 1 << 31 }, ""},
		{"nothing exempt", func(n *rules.Network) { n.ExemptInterfaces = nil }, ""},
		{"primary interface not used", func(n *rules.Network) { n.PrimaryInterface = "" }, ""},
		{"no pod interface", func(n *rules.Network) { n.PodInterfaces = nil },
			`no pod interface: accepted is at least one name or pattern such as "eni*"`},
		{"empty name", func(n *rules.Network) { n.PodInterfaces = []string{"eni*", ""} },
			`pod interface "" is empty: accepted is a name such as "eth0"`},
		{"every interface", func(n *rules.Network) { n.PodInterfaces = []string{"*"} },
			`pod interface "*" matches every interface: accepted is a longer pattern such as "eni*"`},
		{"too long", func(n *rules.Network) { n.ExemptInterfaces = []string{"abcdefghijklmno*"} },
			`exempt interface "abcdefghijklmno*" is too long: accepted are up to 15 bytes`},
		{"star inside", func(n *rules.Network) { n.PodInterfaces = []string{"e*i"} },
			`pod interface "e*i" contains '*':` + accepted},
		{"two stars", func(n *rules.Network) { n.PodInterfaces = []string{"eni**"} },
			`pod interface "eni**" contains '*':` + accepted},
		{"quote", func(n *rules.Network) { n.PodInterfaces = []string{`en"i`} },
			`pod interface "en\"i" contains '"':` + accepted},
		{"space", func(n *rules.Network) { n.PodInterfaces = []string{"eni 1"} },
			`pod interface "eni 1" contains ' ':` + accepted},
		{"newline", func(n *rules.Network) { n.PodInterfaces = []string{"eni\n"} },
			`pod interface "eni\n" contains '\n':` + accepted},
		{"slash", func(n *rules.Network) { n.PodInterfaces = []string{"a/b"} },
			`pod interface "a/b" contains '/':` + accepted},
		{"no primary address", func(n *rules.Network) { n.Primary = netip.Addr{} },
			`primary address "": accepted is an IPv4 address of the node`},
		{"IPv6 primary address", func(n *rules.Network) { n.Primary = addr("fd00::1") },
			`primary address "fd00::1": accepted is an IPv4 address of the node`},
		{"unspecified primary address", func(n *rules.Network) { n.Primary = addr("0.0.0.0") },
			`primary address "0.0.0.0": accepted is an IPv4 address of the node`},
		{"no mark", func(n *rules.Network) { n.Mark = 0 },
			`mark 0x0: accepted is exactly one bit, such as 0x80`},
		{"two bits", func(n *rules.Network) { n.Mark = 0x180 },
			`mark 0x180: accepted is exactly one bit, such as 0x80`},
		{"unknown randomize mode", func(n *rules.Network) { n.Randomize = "yes" },
			`randomize mode "yes": accepted are "prng", "hashrandom" and "none"`},
		{"node ports without interface", func(n *rules.Network) { n.NodePorts, n.PrimaryInterface = true, "" },
			`primary interface "" is empty: accepted is a name such as "eth0"`},
		{"node ports by a pattern", func(n *rules.Network) { n.NodePorts, n.PrimaryInterface = true, "eth*" },
			`primary interface "eth*" contains '*':` + accepted},
		{"node ports by a long name", func(n *rules.Network) { n.NodePorts, n.PrimaryInterface = true, "abcdefghijklmnop" },
			`primary interface "abcdefghijklmnop" is too long: accepted are up to 15 bytes`},
		{"earlier mark of two bits", func(n *rules.Network) { n.EarlierMarks = []uint32{0x3} },
			"earlier mark 0x3: accepted is exactly one bit, another than 0x80"},
		{"earlier mark that is the mark", func(n *rules.Network) { n.EarlierMarks = []uint32{0x80} },
			"earlier mark 0x80: accepted is exactly one bit, another than 0x80"},
		{"pods behind the primary interface", func(n *rules.Network) { n.PodInterfaces, n.PrimaryInterface = []string{"eni*", "e*"}, "eth0" },
			`pod interface "e*" is also the primary interface "eth0": accepted are names that pods alone are behind`},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := network()
			c.change(&n)
			sameError(t, n.Check(), c.want)
			_, err := rules.Compile(n, one(excluding()), nil)
			if c.want != "" {
				c.want = "network: " + c.want
			}
			sameError(t, err, c.want)
		})
	}
}

func TestPatternsAreCanonical(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{[]string{"eni*"}, []string{"eni*"}},
		{[]string{"veth0", "eni*"}, []string{"eni*", "veth0"}},
		{[]string{"eni*", "eni*"}, []string{"eni*"}},
		{[]string{"eni1", "eni*", "eni"}, []string{"eni*"}},
		{[]string{"eni*", "en*", "enix*"}, []string{"en*"}},
		{[]string{"eni", "eni1"}, []string{"eni", "eni1"}},
	} {
		n := network()
		n.PodInterfaces, n.ExemptInterfaces = c.in, c.in
		before := slices.Clone(c.in)
		got := mustCompile(t, n, one(excluding())).Network
		if !slices.Equal(got.PodInterfaces, c.want) || !slices.Equal(got.ExemptInterfaces, c.want) {
			t.Errorf("%q: got %q and %q, want %q", c.in, got.PodInterfaces, got.ExemptInterfaces, c.want)
		}
		if !slices.Equal(c.in, before) {
			t.Errorf("the caller's list became %q", c.in)
		}
	}
}
