package main

import (
	"errors"
	"fmt"
	"net/netip"
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
	pod, node, sink *namespace
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
	if p.pod, err = newNamespace(false); err != nil {
		return err
	}
	if p.node, err = newNamespace(true); err != nil {
		return err
	}
	if p.sink, err = newNamespace(false); err != nil {
		return err
	}
	if err := connect(end{p.pod, "eth0"}, end{p.node, podInterface}); err != nil {
		return err
	}
	if err := connect(end{p.node, "eth0"}, end{p.sink, "eth0"}); err != nil {
		return err
	}
	return p.configure()
}

// configure sets addresses and routes. Neighbours are permanent, so that
// nothing but the benchmark's datagrams is ever sent.
func (p *path) configure() error {
	return errors.Join(
		end{p.pod, "eth0"}.address(netip.PrefixFrom(podAddr, 32)),
		end{p.pod, "eth0"}.route(netip.PrefixFrom(podGateway, 32), netip.Addr{}),
		end{p.pod, "eth0"}.route(allInternet, podGateway),
		end{p.pod, "eth0"}.neighbour(podGateway, end{p.node, podInterface}),
		end{p.node, podInterface}.route(netip.PrefixFrom(podAddr, 32), netip.Addr{}),
		end{p.node, "eth0"}.address(netip.PrefixFrom(nodeAddr, 24)),
		end{p.node, "eth0"}.route(allInternet, sinkAddr),
		end{p.node, "eth0"}.neighbour(sinkAddr, end{p.sink, "eth0"}),
		end{p.sink, "eth0"}.address(netip.PrefixFrom(sinkAddr, 24)),
	)
}

// received is the number of packets that ever came to the sink.
func (p *path) received() (uint64, error) {
	link, err := p.sink.netlink.LinkByName("eth0")
	if err != nil {
		return 0, fmt.Errorf("the sink's interface: %w", err)
	}
	return link.Attrs().Statistics.RxPackets, nil
}

func (p *path) close() error {
	var errs []error
	for _, n := range []*namespace{p.pod, p.node, p.sink} {
		if n != nil {
			errs = append(errs, n.close())
		}
	}
	return errors.Join(errs...)
}
