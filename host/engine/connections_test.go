package engine

import (
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/snatd/snatd/host/flow"
)

// fakeTable has connections and the kernel's failures.
type fakeTable struct {
	flows []flow.Flow
	err   error
}

func (f *fakeTable) List(_ uint32, keep func(flow.Flow) bool) (list []flow.Flow, err error) {
	for _, one := range f.flows {
		if keep(one) {
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
	if err := c.changed("flush", before, after, pods); err == nil {
		t.Error("no error")
	}
	table.err = nil
	if err := c.changed("flush", nil, after, pods); err != nil || c.ended != 1 {
		t.Errorf("%d ended, %v", c.ended, err)
	}
	if err := c.changed("flush", nil, after, pods); err != nil || c.ended != 1 {
		t.Errorf("%d ended, %v", c.ended, err)
	}
	if err := c.changed("drain", before, after, pods); err != nil || len(c.draining) != 1 {
		t.Errorf("%d draining, %v", len(c.draining), err)
	}
	// Decided as before again, they are what they should be.
	if err := c.changed("drain", after, before, pods); err != nil || len(c.draining) != 0 {
		t.Errorf("%d draining, %v", len(c.draining), err)
	}
}
