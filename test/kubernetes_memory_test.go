package test

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/test/kube"
)

// resident is the daemon's resident memory, in bytes.
func (d *daemon) resident() int {
	d.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.process.PID()))
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, err := strconv.Atoi(strings.Fields(text)[0])
			if err != nil {
				d.t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	d.t.Fatal("no VmRSS")
	return 0
}

// What other nodes have costs this one next to nothing.
func TestClusterElsewhere(t *testing.T) {
	c := startOwnCluster(t)
	c.pod("keeper", lab.PodA, true)
	c.waitAction(lab.PodA, lab.Peered, "exclude")
	c.waitLoaded()
	before := c.resident()

	const namespaces, perNamespace = 500, 10
	other := c.server.CreateNode(t, "other", nil, nil)
	var pods []kube.Pod
	var namespace kube.Object
	for i := range namespaces {
		namespace = c.server.CreateNamespace(t, "elsewhere", map[string]string{"team": "web"}, map[string]string{"owner": "somebody"})
		for j := range perNamespace {
			pods = append(pods, kube.Pod{
				Namespace: namespace.Name, Name: fmt.Sprintf("pod-%d", j), Node: other.Name,
				IPs: []netip.Addr{netip.AddrFrom4([4]byte{10, 1, byte(i / 25), byte(10*(i%25) + j)})}, Labels: labels(true),
			})
		}
	}
	c.server.CreatePods(t, 16, pods)
	// What comes after all of them shows that they were seen.
	c.pod("last", lab.PodB, true)
	c.waitAction(lab.PodB, lab.Peered, "exclude")
	recorded := c.succeed("facts")
	if strings.Contains(recorded, namespace.Name) || strings.Contains(recorded, other.Name) || c.status().Pods != 2 {
		t.Errorf("the facts have other nodes' objects, %d pods", c.status().Pods)
	}
	grown := c.resident() - before
	t.Logf("resident %d KiB before, %d KiB more with %d namespaces and %d pods elsewhere", before>>10, grown>>10, namespaces, len(pods))
	if grown > 10<<20 {
		t.Errorf("%d MiB more", grown>>20)
	}
}
