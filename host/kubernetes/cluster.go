// Package kubernetes reads facts from the API server: the pods of one node, the
// cluster's namespaces, and the node itself. It tells it of events on the node.
//
// It is the only importer of client-go. It keeps what facts need of an object,
// and nothing of objects that belong to other nodes. What it hands out is
// checked; what follows from it is for others to say.
package kubernetes

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/source"
)

// Options say what is followed, and how the API server is reached.
type Options struct {
	// Node is the name of the node whose pods are followed.
	Node string
	// Kubeconfig is the path of a kubeconfig file; empty means the service
	// account of the pod that this process runs in.
	Kubeconfig string
	// IPFamily is the family of the cluster's pod addresses, "ipv4" or "ipv6".
	IPFamily string
	Log      *slog.Logger
}

// Cluster follows the API server. It is safe for use by many goroutines.
type Cluster struct {
	node       string
	events     *events
	pods       *feed[pod]
	namespaces *feed[facts.Namespace]
	nodes      *feed[facts.Node]
	changed    chan struct{}

	mu      sync.Mutex
	arrived []time.Time
	// state is composed of what the feeds keep; nil if that has changed since.
	state *State
	// generation counts the changes, so that none is missed while a state is
	// composed.
	generation uint64
}

// adoptLog makes client-go log where everything does; it has one log for the
// whole process.
var adoptLog sync.Once

// New checks the options and reads the kubeconfig file or the service account's
// files; it asks the API server nothing yet.
func New(options Options) (*Cluster, error) {
	adoptLog.Do(func() { klog.SetSlogLogger(slog.New(debugging{options.Log.Handler()})) })
	api, err := newClient(options.Kubeconfig)
	if err != nil {
		return nil, err
	}
	c := &Cluster{node: options.Node, changed: make(chan struct{}, 1)}
	c.events = newEvents(options.Node, options.Log, api.createEvent)
	c.pods = newFeed("pods", api.pods(options.Node), c.tell,
		func(object any) (pod, bool, error) { return convertPod(object, options.IPFamily) }, all)
	c.namespaces = newFeed("namespaces", api.metadata("namespaces", ""), c.tell, convertNamespace, c.used)
	c.nodes = newFeed("nodes", api.metadata("nodes", options.Node), c.tell, convertNode, all)
	return c, nil
}

// Run follows, and tells of events, until ctx ends. It must run only once.
func (c *Cluster) Run(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() { c.pods.run(ctx) })
	group.Go(func() { c.namespaces.run(ctx) })
	group.Go(func() { c.nodes.run(ctx) })
	group.Go(func() { c.events.run(ctx) })
	group.Wait()
}

// Changed has a tick once the state or an error in the provenance is not what it
// was when the last tick was taken. It is never closed.
func (c *Cluster) Changed() <-chan struct{} { return c.changed }

// maxArrived bounds the list of arrivals that nobody takes.
const maxArrived = 1 << 12

// tell notes a change; that of a fact has the time when it arrived here.
func (c *Cluster) tell(arrived time.Time) {
	if !arrived.IsZero() {
		c.mu.Lock()
		c.state = nil
		c.generation++
		if len(c.arrived) < maxArrived {
			c.arrived = append(c.arrived, arrived)
		}
		c.mu.Unlock()
	}
	source.Signal(c.changed)
}

// Arrived takes the times when changes of facts have come in since the last call.
// A State that is read later has them.
func (c *Cluster) Arrived() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.arrived
	c.arrived = nil
	return taken
}

// Latest is what the API server said last, nil until it has listed everything
// once: a pod without the facts of its namespace or its node would be decided
// wrongly. It is the same pointer until there is a change.
func (c *Cluster) Latest() *State {
	c.mu.Lock()
	state, generation := c.state, c.generation
	c.mu.Unlock()
	if state != nil {
		return state
	}
	state = c.compose()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation == generation {
		c.state = state
	}
	return state
}

// used says whether a namespace has pods on the node.
func (c *Cluster) used(namespace string) bool {
	return c.pods.any(func(p pod) bool { return p.Namespace == namespace })
}

// Provenance says how current what is known is, of each resource by itself.
func (c *Cluster) Provenance() []facts.Provenance {
	return []facts.Provenance{c.pods.current(), c.namespaces.current(), c.nodes.current()}
}
