package test

import (
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/test/kube"
)

// startOwnCluster is startCluster with a server that the test may kill.
func startOwnCluster(t *testing.T) *cluster {
	t.Helper()
	c := withCluster(t, kube.Own(t))
	c.run()
	c.waitSynced()
	return c
}

// failed waits until a source has failed more than once since it was read last.
func (c *cluster) failed(name string) {
	c.t.Helper()
	var first time.Time
	c.wait("a second failure of "+name, func() error {
		s := c.source(name)
		if s.Error == "" {
			return fmt.Errorf("source %+v", s)
		}
		if first.IsZero() {
			first = s.Failure
		}
		if !s.Failure.After(first) {
			return fmt.Errorf("source %+v", s)
		}
		return nil
	})
}

// An API server that is gone and comes back changes no decision, and what has
// happened meanwhile is made up for.
func TestAPIServerKilled(t *testing.T) {
	c := startOwnCluster(t)
	c.pod("keeper", lab.PodA, true)
	gone := c.pod("other", lab.PodB, true)
	c.waitAction(lab.PodB, lab.Peered, "exclude")
	before := c.status()

	c.server.Kill(t)
	for _, name := range resources {
		c.failed(name)
	}
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	c.see(c.lab.PodB, lab.UDP, lab.Peered, lab.PodB)
	// What does not come from the API server goes on.
	c.write("facts.yaml", "vpc: {cidrs: [10.0.0.0/16, 100.64.0.0/16, 198.51.100.0/24]}\n")
	c.waitAction(lab.PodA, lab.Internet, "exclude")
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	if after := c.status(); after.Changes != before.Changes+1 || after.Pods != before.Pods || !after.Ready {
		t.Errorf("status %+v", after)
	}

	c.server.Restart(t)
	c.waitSynced()
	c.server.Delete(t, gone)
	c.waitAction(lab.PodB, lab.Peered, "translate")
	c.see(c.lab.PodB, lab.TCP, lab.Peered, lab.NodePrimary)
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
}

// Watches that cannot be resumed, as what they go on from is compacted away, are
// begun anew.
func TestWatchExpired(t *testing.T) {
	c := startOwnCluster(t)
	pod := c.pod("keeper", lab.PodA, true)
	c.waitAction(lab.PodA, lab.Peered, "exclude")
	c.proxy.Refuse()
	for _, name := range resources {
		c.failed(name)
	}
	c.server.Delete(t, pod)
	c.pod("another", lab.PodB, true)
	c.server.Compact(t)
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	c.proxy.Accept(t)
	c.waitAction(lab.PodA, lab.Peered, "translate")
	c.waitAction(lab.PodB, lab.Peered, "exclude")
	c.waitSynced()
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.NodePrimary)
	c.see(c.lab.PodB, lab.TCP, lab.Peered, lab.PodB)
}

// Pods that come in a burst are taken together.
func TestBurst(t *testing.T) {
	c := withCluster(t, kube.Shared(t))
	// Long enough for a slow machine: pods that come further apart make no burst.
	config, err := os.ReadFile(c.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c.write("config.yaml", replace(t, string(config), "pods: kubernetes", "pods: kubernetes, coalesce: 100ms"))
	c.run()
	c.waitSynced()
	const pods = 200
	before := c.status()
	var list []kube.Pod
	for i := range pods {
		list = append(list, kube.Pod{
			Namespace: c.namespace.Name, Name: fmt.Sprintf("pod-%d", i), Node: c.node.Name,
			IPs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 2, byte(i)})}, Labels: labels(true),
		})
	}
	began := time.Now()
	c.server.CreatePods(t, 16, list)
	t.Logf("%d pods were created within %s", pods, time.Since(began))
	c.wait("all pods to be in the kernel", func() error {
		if s := c.status(); s.Pods != pods {
			return fmt.Errorf("%d pods", s.Pods)
		}
		return nil
	})
	changes := c.status().Changes - before.Changes
	t.Logf("they took %d transactions", changes)
	// In a burst that lasts, a change waits for a second.
	if most := max(20, uint64(time.Since(began)/(500*time.Millisecond))); changes > most {
		t.Errorf("%d transactions for %d pods that come together, want at most %d", changes, pods, most)
	}
	if count, err := c.sample("snatd_pod_change_seconds_count"); count < pods || err != nil {
		t.Errorf("%v changes of pods measured, %v", count, err)
	}
}
