package dataplane

import (
	"log/slog"
	"net/netip"
	"os"
	"testing"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

func TestMain(m *testing.M) {
	if os.Getenv(owning) != "" {
		own()
	}
	nstest.Main(m)
}

// open gives the dataplane of a namespace.
func open(t testing.TB, n *nstest.Namespace) *Dataplane {
	t.Helper()
	var d *Dataplane
	var err error
	n.Do(func() { d, err = Open(slog.New(slog.DiscardHandler)) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func apply(t testing.TB, d *Dataplane, plan nft.Plan) {
	t.Helper()
	if err := d.Apply(plan); err != nil {
		t.Fatal(err)
	}
}

// commit applies a plan as one transaction, whatever its phases are.
func commit(d *Dataplane, plan nft.Plan) error {
	tx, _, err := encode(plan, d.flags)
	if err != nil {
		return err
	}
	return d.commit(tx)
}

// list is the table as nft prints it.
func list(t testing.TB, n *nstest.Namespace) string {
	t.Helper()
	nstest.Need(t, "nft", "nftables")
	return n.Run("nft", "list", "table", "ip", rules.TableName)
}

// network is a node whose pods are behind eni*.
func network() rules.Network {
	return rules.Network{
		PodInterfaces:    []string{"eni*"},
		ExemptInterfaces: []string{"vlan*"},
		Primary:          netip.MustParseAddr("10.0.0.10"),
		Mark:             0x80,
		Randomize:        rules.RandomizePRNG,
	}
}

// ruleset has one class, which excludes prefixes and translates the rest.
func ruleset(excluded ...string) *rules.Ruleset {
	return &rules.Ruleset{
		Network: network(), Node: "c_node",
		Classes: []rules.Class{class("c_node", excluded...)},
	}
}

func class(name string, excluded ...string) rules.Class {
	c := rules.Class{Name: name, Default: rules.Outcome{Action: rules.Translate}}
	for _, text := range excluded {
		p := netip.MustParsePrefix(text)
		c.Intervals = append(c.Intervals, rules.Interval{First: p.Addr(), Last: last(p), Outcome: rules.Outcome{Action: rules.Exclude}})
	}
	return c
}

// entry is a line of a module's answer; no source is the primary address.
func entry(action rules.Action, prefix, source string) rules.Entry {
	e := rules.Entry{Prefix: netip.MustParsePrefix(prefix), Outcome: rules.Outcome{Action: action}}
	if source != "" {
		e.Outcome.Source = netip.MustParseAddr(source)
	}
	return e
}

func last(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(a)
}

// single is the element of one address.
func single(addr string, v nft.Verdict) nft.Element { return span(addr, addr, v) }

func span(first, last string, v nft.Verdict) nft.Element {
	return nft.Element{First: netip.MustParseAddr(first), Last: netip.MustParseAddr(last), Verdict: v}
}

func create(r *rules.Ruleset) nft.Plan { return nft.Diff(nil, r.Table()) }
