package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/snatd/snatd/examples"
	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/test/kube"
)

// cluster is one node of a cluster, whose daemon knows its pods from an API
// server. A drop-in makes pods with a label differ from the node, so that the
// kernel has an element for each of them.
type cluster struct {
	*starter
	t               kube.T
	server          *kube.Server
	node, namespace kube.Object
	pods            []kube.Object // with the label at first
	addresses       []netip.Addr  // of the pods
}

// needsServer is what to do about a missing API server.
const needsServer = "make kube-apiserver"

// serverBuilt tells whether there is an API server to run.
func serverBuilt(ctx context.Context) bool { return kube.Do(ctx, kube.Need) == nil }

// withServer calls measure with an API server of its own.
func withServer(ctx context.Context, measure func(kube.T, *kube.Server) error) error {
	return kube.Do(ctx, func(t kube.T) {
		if err := measure(t, kube.Own(t)); err != nil {
			t.Fatal(err)
		}
	})
}

const (
	clusterText = `facts: {vpc: static, file: %[1]s/facts.yaml, record: "", pods: kubernetes}
kubernetes: {node: %[2]s, kubeconfig: %[3]s}
network: {primaryInterface: eth0}
policies: {directory: %[1]s/policies.d, cache: %[1]s/cache}
socket: %[1]s/snatd.sock
metrics: {listen: "%[4]s"}
`
	keepLabel   = "example.com/egress"
	keepSidecar = "config: {label: " + keepLabel + "=own-address, cidrs: \"%s\"}\n"
)

// labels are those of a pod that keeps its address, or of one that does not.
func labels(keep bool) map[string]string {
	if keep {
		return map[string]string{keepLabel: "own-address"}
	}
	return map[string]string{keepLabel: "node"}
}

// newCluster makes a node with a number of pods. It ends with the T.
func newCluster(t kube.T, o options, server *kube.Server, pods int) (*cluster, error) {
	s, end, err := newStarter(t.Context(), o)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Errorf("%v", err)
		}
	})
	c := &cluster{starter: s, t: t, server: server}
	c.node = server.CreateNode(t, "node", nil, nil)
	c.namespace = server.CreateNamespace(t, "bench", nil, nil)
	c.pods, c.addresses = c.create(0, pods)
	kubeconfig := server.ServeOn(t, c.listen).Kubeconfig(t, server.ServiceAccountToken(t))
	return c, errors.Join(
		os.WriteFile(s.file("config.yaml"), fmt.Appendf(nil, clusterText, s.directory, c.node.Name, kubeconfig, metricsAddress), 0o600),
		os.WriteFile(s.file("facts.yaml"), []byte("vpc: {cidrs: [10.0.0.0/16, 100.64.0.0/16]}\n"), 0o600),
		os.WriteFile(s.file("policies.d/10-keep.yaml"), fmt.Appendf(nil, keepSidecar, peered), 0o600),
		os.WriteFile(s.file("policies.d/10-keep.wasm"), examples.ExcludeByLabel(), 0o600),
	)
}

// listen is net.Listen on the node.
func (c *cluster) listen(network, address string) (listener net.Listener, err error) {
	err = c.starter.node.Do(func() error {
		listener, err = net.Listen(network, address)
		return err
	})
	return listener, err
}

// create creates n pods that keep their addresses, from the first one's number on.
func (c *cluster) create(first, n int) ([]kube.Object, []netip.Addr) {
	const workers = 16
	pods, addresses := make([]kube.Pod, n), make([]netip.Addr, n)
	for i := range pods {
		addresses[i] = podSubject(first + i).Addr
		pods[i] = kube.Pod{
			Namespace: c.namespace.Name, Name: "pod-", Node: c.node.Name,
			IPs: addresses[i : i+1], HostIP: lab.NodePrimary, Labels: labels(true),
		}
	}
	return c.server.CreatePods(c.t, workers, pods), addresses
}

// with starts the daemon, calls use when the kernel has the pods, and ends the
// daemon.
func (c *cluster) with(ctx context.Context, use func(ctx context.Context, daemon *lab.Process) error) error {
	return c.starter.with(ctx, func(ctx context.Context, daemon *lab.Process, _ time.Time) error {
		err := until(ctx, daemon, "the pods in the kernel", func(ctx context.Context) (bool, error) {
			if ok, err := c.ready(ctx); !ok {
				return false, err
			}
			status, err := api.NewClient(c.file("snatd.sock")).Status(ctx)
			return status.Pods == len(c.pods), err
		})
		if err != nil {
			return err
		}
		return use(ctx, daemon)
	})
}
