package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
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
	veth := podInterface(name)
	if err := connect(ctx, l.Node, veth, pod, "eth0"); err != nil {
		return nil, err
	}
	if err := pod.setUpPod(l.Node, veth); err != nil {
		return nil, err
	}
	if err := l.Node.addRoute(route{To: only(addr), Dev: veth}); err != nil {
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
func (pod *Host) setUpPod(node *Host, veth string) error {
	if err := pod.addAddress("eth0", only(pod.Addr), 0); err != nil {
		return err
	}
	if err := pod.addRoute(route{To: only(podGateway), Dev: "eth0"}); err != nil {
		return err
	}
	if err := pod.addRoute(route{To: everywhere, Dev: "eth0", Via: podGateway}); err != nil {
		return err
	}
	inside, err := pod.link("eth0")
	if err != nil {
		return err
	}
	outside, err := node.link(veth)
	if err != nil {
		return err
	}
	err = pod.links.NeighAdd(&netlink.Neigh{
		LinkIndex:    inside.Attrs().Index,
		Family:       unix.AF_INET,
		State:        unix.NUD_PERMANENT,
		IP:           podGateway.AsSlice(),
		HardwareAddr: outside.Attrs().HardwareAddr,
	})
	if err != nil {
		return fmt.Errorf("%s: add neighbour %s: %w", pod.Name, podGateway, err)
	}
	return nil
}

// podInterface is the name of the node's end of a pod's cable: "eni" and a hash,
// as long as interface names may be.
func podInterface(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "eni" + hex.EncodeToString(sum[:])[:11]
}
