package lab

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Lab is a running VPC.
type Lab struct {
	Node   *Host // and every host-network pod
	Fabric *Host

	PodA *Host // behind the primary interface
	PodB *Host // behind the secondary interface

	VPC      *Host // in the VPC's first CIDR
	Second   *Host // in its second CIDR
	Peered   *Host // in a peered VPC
	Internet *Host

	mu       sync.Mutex
	hosts    []*Host   // all of them
	services []service // sorted by address
}

// buildTime is how long New takes at most; it is a fraction of a second unless
// the machine is very busy.
const buildTime = 30 * time.Second

// New builds a lab. It must run inside [Enter]. The caller closes it.
func New(ctx context.Context) (*Lab, error) {
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	l := &Lab{}
	if err := l.build(ctx); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Lab) build(ctx context.Context) (err error) {
	if l.Fabric, err = l.addFabric(); err != nil {
		return err
	}
	if l.Node, err = l.addNode(); err != nil {
		return err
	}
	for _, e := range []eni{primary, secondary} {
		if err := l.attach(ctx, e); err != nil {
			return err
		}
	}
	if err := l.Node.answer(); err != nil {
		return err
	}
	for _, outside := range []struct {
		host **Host
		name string
		addr netip.Addr
	}{
		{&l.VPC, "vpc", VPC}, {&l.Second, "second", Second},
		{&l.Peered, "peered", Peered}, {&l.Internet, "internet", Internet},
	} {
		if *outside.host, err = l.addHost(ctx, outside.name, outside.addr); err != nil {
			return err
		}
	}
	if l.PodA, err = l.AddPod(ctx, "pod-a", PodA, false); err != nil {
		return err
	}
	l.PodB, err = l.AddPod(ctx, "pod-b", PodB, true)
	return err
}

// add makes a host that Close removes.
func (l *Lab) add(name string, addr netip.Addr, sysctls ...string) (*Host, error) {
	h, err := newHost(name, addr, sysctls...)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hosts = append(l.hosts, h)
	return h, nil
}

// Close ends everything that runs in the lab, and removes it. Connections from
// [Open] are the caller's.
func (l *Lab) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range slices.Backward(l.hosts) {
		h.close()
	}
	l.hosts = nil
}
