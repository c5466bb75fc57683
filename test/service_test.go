package test

import (
	"context"
	"testing"
	"time"

	"github.com/snatd/snatd/host/lab"
)

// A Service whose endpoint is outside of the VPC: the decision is made after
// DNAT, and route and SNAT agree, or the VPC would drop the packet.
func TestServiceOutsideTheVPC(t *testing.T) {
	d := start(t)
	if err := d.lab.AddService(lab.ServiceAddress, lab.Internet); err != nil {
		t.Fatal(err)
	}
	for _, pod := range []*lab.Host{d.lab.PodA, d.lab.PodB} {
		for _, proto := range []lab.Proto{lab.TCP, lab.UDP, lab.ICMP} {
			d.see(pod, proto, lab.ServiceAddress, lab.NodePrimary)
		}
	}
}

// A Service whose endpoint is inside keeps the pod's address.
func TestServiceInsideTheVPC(t *testing.T) {
	d := start(t)
	if err := d.lab.AddService(lab.ServiceAddress, lab.VPC); err != nil {
		t.Fatal(err)
	}
	d.see(d.lab.PodA, lab.TCP, lab.ServiceAddress, lab.PodA)
	d.see(d.lab.PodB, lab.TCP, lab.ServiceAddress, lab.PodB)
}

// Replies to what came to an address of the node must leave by the primary
// interface again, though the pod is on the secondary.
func TestNodePorts(t *testing.T) {
	d := start(t)
	if err := d.lab.AddService(lab.NodePrimary, lab.PodB); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	to := d.endpoint(lab.NodePrimary)
	if seen, err := lab.Exchange(short, d.lab.Internet, lab.UDP, to); err == nil {
		t.Errorf("without nodePorts the reply arrived, seen as %s: the lab's source check does not work", seen)
	}
	d.setConfig("network: {primaryInterface: eth0, nodePorts: true}\n")
	d.wait("replies by the primary interface", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := lab.Exchange(ctx, d.lab.Internet, lab.TCP, to)
		return err
	})
	d.see(d.lab.Internet, lab.UDP, lab.NodePrimary, lab.Internet)
	d.see(d.lab.PodB, lab.TCP, lab.Internet, lab.NodePrimary)
}
