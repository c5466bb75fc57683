package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/netspace"
)

// AddPod adds a pod to the node, behind the primary or the secondary interface,
// and returns when packets can pass. The address is a free one of the VPC.
func (l *Lab) AddPod(ctx context.Context, name string, addr netip.Addr, onSecondary bool) (*Host, error) {
	e := primary
	if onSecondary {
		e = secondary
	}
	pod, err := l.add(name, addr)
	if err != nil {
		return nil, err
	}
	inside, outside := pod.space.Interface("eth0"), l.Node.space.Interface(podInterface(name))
	if err := netspace.Connect(ctx, outside, inside); err != nil {
		return nil, err
	}
	if err := setUpPod(addr, inside, outside); err != nil {
		return nil, err
	}
	if err := outside.AddRoute(netspace.Route{To: only(addr)}); err != nil {
		return nil, err
	}
	if err := l.Node.addRule(rule{Priority: priorityToPod, To: addr, Table: unix.RT_TABLE_MAIN}); err != nil {
		return nil, err
	}
	if e.table != 0 {
		if err := l.Node.addRule(rule{Priority: priorityFromPod, From: addr, Table: e.table}); err != nil {
			return nil, err
		}
	}
	if err := l.assign(addr, e); err != nil {
		return nil, err
	}
	return pod, pod.answer()
}

// setUpPod gives a pod its address and its one next hop: the node's end of its
// cable, which has no address but a known hardware address.
func setUpPod(addr netip.Addr, inside, outside netspace.Interface) error {
	if err := inside.AddAddress(only(addr), 0); err != nil {
		return err
	}
	if err := inside.AddRoute(netspace.Route{To: only(podGateway)}); err != nil {
		return err
	}
	if err := inside.AddRoute(netspace.Route{To: everywhere, Via: podGateway}); err != nil {
		return err
	}
	return inside.AddNeighbour(podGateway, outside)
}

// podInterface is the name of the node's end of a pod's cable: "eni" and a hash,
// as long as interface names may be.
func podInterface(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "eni" + hex.EncodeToString(sum[:])[:11]
}
