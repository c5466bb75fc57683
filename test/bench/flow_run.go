package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// flowsPerRound are sent at once. They are fewer than the kernel keeps for a CPU
// (net.core.netdev_max_backlog, 1,000), so that none is lost.
const flowsPerRound = 500

// flowRun is a variant's pod, node and sink.
type flowRun struct {
	path   *path
	sender *sender
}

// open makes the variant's namespaces and checks them.
func (v flowVariant) open(o options) (*flowRun, error) {
	flows := flowsPerRound
	if o.smoke {
		flows = 100
	}
	f := &flowRun{}
	if err := f.prepare(v, flows); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *flowRun) prepare(v flowVariant, flows int) (err error) {
	if f.path, err = newPath(); err != nil {
		return err
	}
	if v.install != nil {
		if err := v.install(f.path.node); err != nil {
			return err
		}
	}
	if f.sender, err = newSender(f.path, flows); err != nil {
		return err
	}
	return f.check(v)
}

// check makes sure that what is measured is what the name says.
func (f *flowRun) check(v flowVariant) error {
	expect := map[netip.Addr]netip.Addr{translated(0): podAddr}
	if v.cidrs > 0 {
		cidrs := excluded(v.cidrs)
		expect[translated(0)] = nodeAddr
		expect[cidrs[0].Addr()] = podAddr
		expect[cidrs[len(cidrs)-1].Addr()] = podAddr
	}
	for to, want := range expect {
		source, err := f.sender.seenAs(to)
		if err != nil {
			return err
		}
		if source != want {
			return fmt.Errorf("the sink sees %s as the source of a datagram to %s, want %s", source, to, want)
		}
	}
	if err := f.forget(); err != nil {
		return err
	}
	if _, err := f.sender.cost(); err != nil {
		return err
	}
	connections, err := f.path.node.Netlink().ConntrackTableList(netlink.ConntrackTable, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list tracked connections: %w", err)
	}
	want := 0
	if v.install != nil {
		want = len(f.sender.warmUp) + len(f.sender.flows)
	}
	if len(connections) != want {
		return fmt.Errorf("the node tracks %d connections, want %d", len(connections), want)
	}
	return f.forget()
}

// once returns what a new flow costs, in ns.
func (f *flowRun) once(context.Context) (float64, error) {
	took, err := f.sender.cost()
	return took, errors.Join(err, f.forget())
}

// forget makes the next round's flows new ones.
func (f *flowRun) forget() error {
	if err := f.path.node.Netlink().ConntrackTableFlush(netlink.ConntrackTable); err != nil {
		return fmt.Errorf("forget tracked connections: %w", err)
	}
	return nil
}

func (f *flowRun) close() error {
	err := f.sender.close()
	if f.path != nil {
		err = errors.Join(err, f.path.close())
	}
	return err
}
