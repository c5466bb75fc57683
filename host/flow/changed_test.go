package flow

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/snatd/snatd/rules"
)

// decide compiles a ruleset whose pods, but for podAddr's, have the node's decision:
// each entry is a prefix, and to what its source is translated, empty for nothing.
func decide(t testing.TB, primary string, pod ...string) *rules.Ruleset {
	t.Helper()
	decisions := func(entries ...string) []rules.Decision {
		d := rules.Decision{Module: "test"}
		for i := 0; i < len(entries); i += 2 {
			e := rules.Entry{Prefix: netip.MustParsePrefix(entries[i]), Outcome: rules.Outcome{Action: rules.Exclude}}
			if to := entries[i+1]; to != "" {
				e.Outcome = rules.Outcome{Action: rules.Translate, Source: netip.MustParseAddr(to)}
			}
			d.Entries = append(d.Entries, e)
		}
		return []rules.Decision{d}
	}
	network := rules.Network{
		PodInterfaces: []string{"eni*"}, Primary: netip.MustParseAddr(primary), Mark: testMark, Randomize: rules.RandomizePRNG,
	}
	r, err := rules.Compile(network, decisions("0.0.0.0/0", primary, "10.0.0.0/16", ""), []rules.Decided{{
		Subject:   rules.Subject{Name: "default/pod", Addr: netip.MustParseAddr(podAddr)},
		Decisions: decisions(pod...),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Addresses of the pods and of the node.
var node = Node{
	Pod: func(a netip.Addr) bool {
		return a == netip.MustParseAddr(podAddr) || a == netip.MustParseAddr("10.0.1.6")
	},
	Local: func(a netip.Addr) bool { return a == netip.MustParseAddr(primaryAddr) },
}

// made is a connection that was decided to be seen as another, in an abbreviation:
// from, to, endpoint, seen as.
func made(from, to, endpoint, as string, mark uint32) Flow {
	port := func(addr string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(addr), 80) }
	return Flow{Protocol: "tcp", State: "established", Source: port(from), Destination: port(to), Endpoint: port(endpoint), Seen: port(as), Mark: mark}
}

func TestChanged(t *testing.T) {
	const other, otherPod, everywhere = "198.51.100.200", "10.0.1.6", "0.0.0.0/0"
	translates := decide(t, primaryAddr, everywhere, primaryAddr)
	excludes := decide(t, primaryAddr, everywhere, "")
	elsewhere := decide(t, primaryAddr, everywhere, otherAddr)
	oneExcluded := decide(t, primaryAddr, everywhere, primaryAddr, outside+"/32", "")
	moved := decide(t, otherAddr, everywhere, otherAddr)
	draining := rules.Draining(translates.Network)
	remarked := *excludes
	remarked.Network.Mark = 0x40

	translated := made(podAddr, outside, outside, primaryAddr, testMark)
	kept := made(podAddr, outside, outside, podAddr, 0)
	ended := translated
	ended.State = timeWait

	for name, test := range map[string]struct {
		before, after *rules.Ruleset
		flow          Flow
		want          bool
	}{
		"nothing changes":                     {translates, translates, translated, false},
		"excluded now":                        {translates, excludes, translated, true},
		"translated now":                      {excludes, translates, kept, true},
		"to another source now":               {translates, elsewhere, translated, true},
		"excluded now, one destination":       {translates, oneExcluded, translated, true},
		"excluded now, another destination":   {translates, oneExcluded, made(podAddr, other, other, primaryAddr, testMark), false},
		"by the real destination":             {translates, oneExcluded, made(podAddr, service, outside, primaryAddr, testMark), true},
		"not by the destination before DNAT":  {translates, oneExcluded, made(podAddr, outside, other, primaryAddr, testMark), false},
		"another primary address":             {translates, moved, translated, true},
		"another primary address, kept":       {excludes, decide(t, otherAddr, everywhere, ""), kept, false},
		"nothing is translated any more":      {translates, draining, translated, true},
		"no rules before":                     {nil, translates, kept, true},
		"no rules after":                      {translates, nil, translated, true},
		"the mark changes too":                {translates, &remarked, translated, true},
		"another pod":                         {translates, excludes, made(otherPod, outside, outside, primaryAddr, testMark), false},
		"already as it would be":              {translates, excludes, kept, false},
		"as rules before the last decided":    {excludes, excludes, translated, false},
		"closed":                              {translates, excludes, ended, false},
		"translated by somebody else":         {excludes, translates, made(podAddr, outside, outside, otherAddr, 0), false},
		"translated by somebody else's mark":  {translates, excludes, made(podAddr, outside, outside, primaryAddr, 0x4000), false},
		"to the node itself":                  {excludes, translates, made(podAddr, primaryAddr, primaryAddr, podAddr, 0), false},
		"to a service of the node itself":     {excludes, translates, made(podAddr, service, primaryAddr, podAddr, 0), false},
		"to a node port that leads outside":   {translates, excludes, made(podAddr, primaryAddr, outside, primaryAddr, testMark), true},
		"a pod that is gone, translated":      {translates, moved, made("10.0.1.7", outside, outside, primaryAddr, testMark), true},
		"of the node, untranslated":           {draining, translates, made(primaryAddr, outside, outside, primaryAddr, 0), false},
		"from outside to a pod":               {draining, translates, made(other, podAddr, podAddr, other, testMark), false},
		"from outside to a node port":         {translates, draining, made(other, primaryAddr, podAddr, primaryAddr, testMark), false},
		"from outside by a node port":         {translates, draining, made(other, primaryAddr, outside, primaryAddr, testMark), false},
		"to another pod that it may not hide": {translates, excludes, made(podAddr, otherPod, otherPod, primaryAddr, testMark), true},
	} {
		if got := node.Changed(test.before, test.after, test.flow); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// What is changed in the kernel is found there and deleted, nothing else.
func TestFlush(t *testing.T) {
	l := newLab(t)
	changed, byService := l.connect(outside), l.connect(service)
	stays := l.connect(private)
	before := decide(t, primaryAddr, "0.0.0.0/0", "", "198.51.100.0/24", primaryAddr)
	after := decide(t, primaryAddr, "0.0.0.0/0", "", "198.51.100.0/25", "")
	found, err := l.table.List(0, func(f Flow) bool { return node.Changed(before, after, f) })
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 {
		t.Fatal(found)
	}
	l.node.Run("nft", "flush", "chain", "ip", "lab", "decide")
	if n, err := l.table.Delete(found); n != 2 || err != nil {
		t.Fatalf("%d deleted, error %v", n, err)
	}
	if as, err := seen(stays); err != nil {
		t.Errorf("seen as %s, error %v", as, err)
	}
	for _, conn := range []interface{ Close() error }{changed, byService} {
		conn.Close()
	}
	// A new connection is decided anew.
	if as, err := seen(l.connect(outside)); err != nil || netip.MustParseAddrPort(as).Addr().String() != podAddr {
		t.Errorf("a new connection is seen as %s, error %v", as, err)
	}
}

func TestDecide(t *testing.T) {
	r := decide(t, primaryAddr, "0.0.0.0/0", primaryAddr, "10.0.0.0/8", "", "10.0.0.0/16", otherAddr, "255.255.255.0/24", "")
	class, nodeClass := r.ClassOf(netip.MustParseAddr(podAddr)), r.Node
	for _, test := range []struct {
		flow Flow
		want string
	}{
		{made(podAddr, outside, outside, primaryAddr, testMark), class + " 11.0.0.0-255.255.254.255 translate true"},
		{made(podAddr, outside, outside, podAddr, testMark), class + " 11.0.0.0-255.255.254.255 translate false"},
		{made(podAddr, outside, "9.0.0.1", primaryAddr, testMark), class + " 0.0.0.0-9.255.255.255 translate true"},
		{made(podAddr, outside, "10.1.0.0", podAddr, 0), class + " 10.1.0.0-10.255.255.255 exclude true"},
		{made(podAddr, outside, "10.0.255.255", otherAddr, 0), class + " 10.0.0.0-10.0.255.255 translate to 10.0.0.11 true"},
		{made(podAddr, outside, "255.255.255.255", podAddr, 0), class + " 255.255.255.0-255.255.255.255 exclude true"},
		{made("10.0.1.6", outside, outside, primaryAddr, 0), nodeClass + " 10.1.0.0-255.255.255.255 translate true"},
	} {
		d := Decide(r, test.flow)
		if got := fmt.Sprintf("%s %s-%s %s %v", d.Class, d.First, d.Last, d.Outcome, d.Current); got != test.want {
			t.Errorf("%s to %s: %s, want %s", test.flow.Source, test.flow.Endpoint, got, test.want)
		}
	}
	for _, none := range []*rules.Ruleset{nil, rules.Draining(r.Network)} {
		d := Decide(none, made(podAddr, outside, outside, primaryAddr, testMark))
		if want := (Decision{Outcome: rules.Outcome{Action: rules.Exclude}}); d != want {
			t.Errorf("%+v, want %+v", d, want)
		}
	}
}

// Decide and Lookup never differ, and nothing in an interval is decided otherwise.
func TestDecideIsLookup(t *testing.T) {
	r := decide(t, primaryAddr, "0.0.0.0/0", primaryAddr, "10.0.0.0/8", "", "10.0.0.0/16", otherAddr, "192.168.0.0/16", "")
	for _, to := range []string{"0.0.0.0", "9.9.9.9", "10.0.0.0", "10.1.0.0", "11.0.0.0", "192.168.1.1", "255.255.255.255"} {
		d := Decide(r, made(podAddr, to, to, podAddr, 0))
		src := netip.MustParseAddr(podAddr)
		for _, dst := range []netip.Addr{netip.MustParseAddr(to), d.First, d.Last} {
			if got := r.Lookup(src, dst); got != d.Outcome {
				t.Errorf("%s: %s, %s is %s", to, d.Outcome, dst, got)
			}
		}
		for _, beyond := range []netip.Addr{d.First.Prev(), d.Last.Next()} {
			if beyond.IsValid() && r.Lookup(src, beyond) == d.Outcome {
				t.Errorf("%s: %s-%s ends before %s", to, d.First, d.Last, beyond)
			}
		}
	}
}

// A long list of connections is gone through for little.
func BenchmarkChanged(b *testing.B) {
	before, after := decide(b, primaryAddr, "0.0.0.0/0", primaryAddr), decide(b, primaryAddr, "0.0.0.0/0", "")
	flows := slices.Repeat([]Flow{made(podAddr, outside, outside, primaryAddr, testMark)}, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range flows {
			if !node.Changed(before, after, f) {
				b.Fatal(f)
			}
		}
	}
}
