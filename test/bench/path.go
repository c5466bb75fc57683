package main

import (
	"context"
	"errors"
	"net/netip"

	"github.com/snatd/snatd/host/netspace"
)

// The addresses of a path. The node and the sink share 10.0.0.0/24.
var (
	podAddr     = netip.MustParseAddr("10.0.1.5")
	nodeAddr    = netip.MustParseAddr("10.0.0.10")
	sinkAddr    = netip.MustParseAddr("10.0.0.1")
	podGateway  = netip.MustParseAddr("169.254.1.1") // what the AWS VPC CNI plugin gives pods
	allInternet = netip.MustParsePrefix("0.0.0.0/0")
)

// path is the way of a pod's packets: from the pod through the node to the
// sink, which has the whole internet behind it and drops all of it silently.
//
//	pod eth0 ---- eni0a1b2c3d4 node eth0 ---- eth0 sink
type path struct {
	pod, node, sink *netspace.Namespace
}

const podInterface = "eni0a1b2c3d4"

// newPath makes a path on which packets can pass.
func newPath() (*path, error) {
	p := &path{}
	if err := p.build(); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *path) build() (err error) {
	if p.pod, err = newNamespace("pod"); err != nil {
		return err
	}
	if p.node, err = newNamespace("node", "ipv4/ip_forward=1"); err != nil {
		return err
	}
	if p.sink, err = newNamespace("sink"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pod, toPod := p.pod.Interface("eth0"), p.node.Interface(podInterface)
	if err := netspace.Connect(ctx, pod, toPod); err != nil {
		return err
	}
	node, sink := p.node.Interface("eth0"), p.sink.Interface("eth0")
	if err := netspace.Connect(ctx, node, sink); err != nil {
		return err
	}
	// Neighbours are permanent, so that nothing but the benchmark's datagrams is
	// ever sent.
	return errors.Join(
		pod.AddAddress(netip.PrefixFrom(podAddr, 32), 0),
		pod.AddRoute(netspace.Route{To: netip.PrefixFrom(podGateway, 32)}),
		pod.AddRoute(netspace.Route{To: allInternet, Via: podGateway}),
		pod.AddNeighbour(podGateway, toPod),
		toPod.AddRoute(netspace.Route{To: netip.PrefixFrom(podAddr, 32)}),
		node.AddAddress(netip.PrefixFrom(nodeAddr, 24), 0),
		node.AddRoute(netspace.Route{To: allInternet, Via: sinkAddr}),
		node.AddNeighbour(sinkAddr, sink),
		sink.AddAddress(netip.PrefixFrom(sinkAddr, 24), 0),
	)
}

// received is the number of packets that ever came to the sink.
func (p *path) received() (uint64, error) {
	link, err := p.sink.Interface("eth0").Link()
	if err != nil {
		return 0, err
	}
	return link.Attrs().Statistics.RxPackets, nil
}

func (p *path) close() error {
	var errs []error
	for _, n := range []*netspace.Namespace{p.pod, p.node, p.sink} {
		if n != nil {
			errs = append(errs, n.Close())
		}
	}
	return errors.Join(errs...)
}
