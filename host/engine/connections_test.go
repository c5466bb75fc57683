package engine

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"testing"

	"github.com/snatd/snatd/host/flow"
	"github.com/snatd/snatd/rules"
)

// fakeTable has connections and the kernel's failures.
type fakeTable struct {
	flows []flow.Flow
	err   error
}

func (f *fakeTable) List(mark uint32, keep func(flow.Flow) bool) (list []flow.Flow, err error) {
	for _, one := range f.flows {
		if one.Marked(mark) && keep(one) {
			list = append(list, one)
		}
	}
	return list, f.err
}

func (f *fakeTable) Remaining(flows []flow.Flow) ([]flow.Flow, error) { return flows, f.err }

func (f *fakeTable) Delete(flows []flow.Flow) (int, error) { return len(flows), f.err }

// What cannot be looked at is looked at again, by what was replaced first.
func TestConnectionsAreMadeUpFor(t *testing.T) {
	pod, primary := netip.MustParseAddrPort("10.0.1.5:1000"), netip.MustParseAddrPort("10.0.0.10:1000")
	to := netip.MustParseAddrPort("172.31.0.20:80")
	table := &fakeTable{err: errors.New("broken"), flows: []flow.Flow{
		{Protocol: "udp", Source: pod, Destination: to, Endpoint: to, Seen: primary, Mark: 0x80},
	}}
	c := connections{table: table, log: slog.New(slog.DiscardHandler)}
	before, after := ruleset(t, 0x80), ruleset(t, 0x80, "172.31.0.0/16")
	pods := []netip.Addr{pod.Addr()}
	if err := c.changed("flush", []*rules.Ruleset{before}, after, pods); err == nil {
		t.Error("no error")
	}
	table.err = nil
	if err := c.changed("flush", nil, after, pods); err != nil || c.ended != 1 {
		t.Errorf("%d ended, %v", c.ended, err)
	}
	if err := c.changed("flush", nil, after, pods); err != nil || c.ended != 1 {
		t.Errorf("%d ended, %v", c.ended, err)
	}
	if err := c.changed("drain", []*rules.Ruleset{before}, after, pods); err != nil || len(c.draining) != 1 {
		t.Errorf("%d draining, %v", len(c.draining), err)
	}
	// Which of the rulesets before decided it is no matter.
	table.err = errors.New("broken")
	if err := c.changed("flush", []*rules.Ruleset{after}, before, pods); err == nil {
		t.Error("no error")
	}
	table.err = nil
	if err := c.changed("flush", []*rules.Ruleset{before}, after, pods); err != nil || c.ended != 2 {
		t.Errorf("%d ended, %v", c.ended, err)
	}
	if err := c.changed("drain", []*rules.Ruleset{before}, after, pods); err != nil || len(c.draining) != 1 {
		t.Errorf("%d draining, %v", len(c.draining), err)
	}
	// Decided as before again, they are what they should be.
	if err := c.changed("drain", []*rules.Ruleset{after}, before, pods); err != nil || len(c.draining) != 0 {
		t.Errorf("%d draining, %v", len(c.draining), err)
	}
}

// A start takes up the connections that earlier rules translated, by the marks of all of
// them, and each once.
func TestConnectionsWithEarlierMarks(t *testing.T) {
	pod, primary := netip.MustParseAddr("10.0.1.5"), netip.MustParseAddrPort("10.0.0.10:1000")
	to := netip.MustParseAddrPort("172.31.0.20:80")
	table := &fakeTable{}
	for port, mark := range []uint32{0, 0x40, 0x80, 0x10, 0x10 | 0x40 | 0x80, 0x20} {
		table.flows = append(table.flows, flow.Flow{
			Protocol: "udp", Source: netip.AddrPortFrom(pod, uint16(port)), Destination: to, Endpoint: to, Seen: primary, Mark: mark,
		})
	}
	now := ruleset(t, 0x40, "172.31.0.0/16").WithEarlierMarks([]uint32{0x10, 0x80})
	c := connections{table: table, log: slog.New(slog.DiscardHandler)}
	if err := c.changed("drain", nil, now, []netip.Addr{pod}); err != nil {
		t.Fatal(err)
	}
	var ports []uint16
	for _, f := range c.draining {
		ports = append(ports, f.Source.Port())
	}
	if slices.Sort(ports); !slices.Equal(ports, []uint16{1, 2, 3, 4}) {
		t.Errorf("draining are those from ports %d", ports)
	}
}
