package test

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/test/kube"
)

// cluster is a daemon that knows its pods from an API server.
type cluster struct {
	*daemon
	server          *kube.Server
	proxy           *kube.Proxy // what the daemon reaches the server through
	node, namespace kube.Object
	kubeconfig      string
	record          string // empty: none
}

// keeps is the label that the drop-in of a cluster goes by, and the sidecar says
// where pods with it keep their addresses.
const (
	keeps   = "example.com/egress"
	sidecar = "config: {label: " + keeps + "=own-address, cidrs: \"172.31.0.0/16\"}\n"
)

// withCluster makes a node of a cluster, with a drop-in that goes by a label, and
// does not start the daemon.
func withCluster(t *testing.T, server *kube.Server) *cluster {
	t.Helper()
	c := &cluster{daemon: prepare(t), server: server}
	c.node = server.CreateNode(t, "node", map[string]string{"tier": "edge"}, nil)
	c.namespace = server.CreateNamespace(t, "shop", map[string]string{"team": "web"}, nil)
	c.proxy = server.ServeOn(t, c.listen)
	c.kubeconfig = c.proxy.Kubeconfig(t, server.ServiceAccountToken(t))
	c.configure("")
	c.write("facts.yaml", "vpc: {cidrs: [10.0.0.0/16, 100.64.0.0/16]}\n")
	c.dropInExample("exclude-by-label", "10-keep", sidecar)
	return c
}

// configure writes a configuration with more lines at its end.
func (c *cluster) configure(more string) {
	c.t.Helper()
	compiled, err := cache()
	if err != nil {
		c.t.Fatal(err)
	}
	c.write("config.yaml", fmt.Sprintf(`
facts: {vpc: static, file: %s, record: %q, pods: kubernetes}
kubernetes: {node: %s, kubeconfig: %s}
network: {primaryInterface: eth0}
socket: %s
policies: {directory: %s, cache: %s}
%s`, c.path("facts.yaml"), c.record, c.node.Name, c.kubeconfig, c.path("snatd.sock"), c.path("policies.d"), compiled, more))
}

// startCluster starts the daemon too, and waits until it knows its pods.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := withCluster(t, kube.Shared(t))
	c.run()
	c.waitSynced()
	return c
}

// resources are the sources that an API server is.
var resources = []string{"kubernetes/pods", "kubernetes/namespaces", "kubernetes/nodes"}

// waitSynced waits until the daemon has heard everything from the API server, and
// nothing is wrong with that.
func (c *cluster) waitSynced() {
	c.t.Helper()
	c.waitReady()
	c.wait("the API server's facts", func() error {
		for _, name := range resources {
			if s := c.source(name); s.Success.IsZero() || s.Error != "" {
				return fmt.Errorf("source %+v", s)
			}
		}
		return nil
	})
}

// pod creates a running pod of the cluster's node, with the label if it keeps its
// address.
func (c *cluster) pod(name string, ip netip.Addr, keep bool) kube.Object {
	c.t.Helper()
	return c.server.CreatePod(c.t, kube.Pod{
		Namespace: c.namespace.Name, Name: name, Node: c.node.Name, IPs: []netip.Addr{ip}, HostIP: lab.NodePrimary, ServiceAccount: "seller", Labels: labels(keep),
	})
}

func labels(keep bool) map[string]string {
	if keep {
		return map[string]string{keeps: "own-address"}
	}
	return map[string]string{keeps: "node"}
}

// A pod's label decides from the moment that the API server has it.
func TestKubernetes(t *testing.T) {
	c := startCluster(t)
	c.check(onlyOutside)
	keeper := c.pod("keeper", lab.PodA, true)
	c.pod("other", lab.PodB, false)
	c.waitAction(lab.PodA, lab.Peered, "exclude")
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	c.see(c.lab.PodA, lab.UDP, lab.Internet, lab.NodePrimary)
	c.see(c.lab.PodB, lab.TCP, lab.Peered, lab.NodePrimary)
	open := c.open(c.lab.PodA, lab.TCP, lab.Peered)

	explanation, err := c.client.Explain(t.Context(), keeper.Namespace+"/keeper", lab.Peered.String())
	if err != nil || explanation.Module != "10-keep.wasm" {
		t.Errorf("explained %+v, %v", explanation, err)
	}
	recorded := c.succeed("facts")
	for _, want := range []string{"name: keeper", "phase: Running", "team: web", "tier: edge", "name: " + c.node.Name, "serviceAccount: seller"} {
		if !strings.Contains(recorded, want) {
			t.Errorf("the facts lack %q:\n%s", want, recorded)
		}
	}

	c.server.SetLabels(t, keeper, labels(false))
	c.waitAction(lab.PodA, lab.Peered, "translate")
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.NodePrimary)
	open.check(t)
	c.server.SetLabels(t, keeper, labels(true))
	c.waitAction(lab.PodA, lab.Peered, "exclude")
	if status := c.status(); len(status.Problems) > 0 {
		t.Errorf("problems: %v", status.Problems)
	}
	if text := c.screen(); !strings.Contains(text, "kubernetes/pods, read ") || !strings.Contains(text, "netlink, read ") {
		t.Errorf("status:\n%s", text)
	}
	// A plan asks the API server too.
	plan := c.plan(false, "-o", "nft")
	if !strings.Contains(plan, lab.PodA.String()+" : ") {
		t.Errorf("the plan does not know the pod:\n%s", plan)
	}
}

// A pod that ends leaves at once, however it ends: its address is another pod's
// within seconds.
func TestPodEnds(t *testing.T) {
	c := startCluster(t)
	for _, end := range []struct {
		name string
		end  func(kube.Object)
	}{
		{"succeeds", func(o kube.Object) { c.server.SetPhase(t, o, "Succeeded") }},
		{"fails", func(o kube.Object) { c.server.SetPhase(t, o, "Failed") }},
		{"is-deleted", func(o kube.Object) { c.server.Delete(t, o) }},
		{"loses-its-address", func(o kube.Object) { c.server.SetPodIP(t, o) }},
	} {
		pod := c.pod(end.name, lab.PodA, true)
		c.waitAction(lab.PodA, lab.Peered, "exclude")
		end.end(pod)
		c.waitAction(lab.PodA, lab.Peered, "translate")
		c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.NodePrimary)
	}
	// One that is being deleted still runs.
	pod := c.pod("terminates", lab.PodA, true)
	c.waitAction(lab.PodA, lab.Peered, "exclude")
	c.server.Terminate(t, pod)
	marker := c.pod("marker", lab.PodB, true)
	c.waitAction(lab.PodB, lab.Peered, "exclude")
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	c.server.Delete(t, marker)
}

// Of two pods with one address the newer one that runs has it, which is said.
func TestAddressClaimedTwice(t *testing.T) {
	c := startCluster(t)
	c.pod("first", lab.PodA, true)
	c.waitAction(lab.PodA, lab.Peered, "exclude")
	waits := c.server.CreatePod(t, kube.Pod{
		Namespace: c.namespace.Name, Name: "second", Node: c.node.Name, IPs: []netip.Addr{lab.PodA}, Labels: labels(false), Phase: "Pending",
	})
	c.waitProblem(c.namespace.Name + "/first, which is running, has it")
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	first := kube.Object{Resource: "pods", Namespace: c.namespace.Name, Name: "first"}
	c.server.SetPhase(t, first, "Succeeded")
	c.waitAction(lab.PodA, lab.Peered, "translate")
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.NodePrimary)
	c.server.SetPhase(t, waits, "Running")
	c.wait("the problem to end", func() error {
		if problems := c.status().Problems; len(problems) > 0 {
			return fmt.Errorf("problems: %v", problems)
		}
		return nil
	})
}

// What the API server says wrongly of one pod costs that pod its change, and
// nobody else anything.
func TestBadPod(t *testing.T) {
	c := startCluster(t)
	pod := c.pod("odd", lab.PodA, true)
	c.waitAction(lab.PodA, lab.Peered, "exclude")
	c.server.SetPodIP(t, pod, netip.MustParseAddr("fd00::5"))
	c.waitProblem(c.namespace.Name + "/odd: ip: fd00::5 of " + c.namespace.Name + "/odd is IPv6 in an IPv4 cluster")
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	c.pod("primary", lab.NodePrimary, true)
	c.waitProblem("/primary is the node's primary address")
	c.pod("healthy", lab.PodB, true)
	c.waitAction(lab.PodB, lab.Peered, "exclude")
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	c.server.SetPodIP(t, pod, lab.PodA)
	c.server.Delete(t, kube.Object{Resource: "pods", Namespace: c.namespace.Name, Name: "primary"})
	c.wait("the problems to end", func() error {
		if problems := c.status().Problems; len(problems) > 0 {
			return fmt.Errorf("problems: %v", problems)
		}
		return nil
	})
}

// Without the API server what is known is applied at once; with rules of an
// earlier run those stay.
func TestKubernetesMissingAtStart(t *testing.T) {
	c := withCluster(t, kube.Shared(t))
	c.pod("keeper", lab.PodA, true)
	c.proxy.Refuse()
	c.run()
	c.waitReady()
	c.waitProblem("connection refused")
	c.check(onlyOutside)
	for _, name := range resources {
		if s := c.source(name); !s.Success.IsZero() || s.Failure.IsZero() || s.Next.IsZero() {
			t.Errorf("source %+v", s)
		}
	}
	c.proxy.Accept(t)
	c.waitAction(lab.PodA, lab.Peered, "exclude")
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)

	// A restart begins with what was known, by the record of the run before, or else
	// by its rules.
	for _, record := range []string{"", c.path("record.yaml")} {
		c.stop(syscall.SIGTERM)
		c.proxy.Refuse()
		c.record = record
		c.configure("")
		c.run()
		if record == "" {
			c.waitNotReady("the Kubernetes API server; the rules of an earlier run stay in force")
			c.waitProblem("connection refused")
			c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
			c.proxy.Accept(t)
			c.waitSynced()
			// It is this run that writes the record.
			c.record = c.path("record.yaml")
			c.configure("")
			c.waitFile("record.yaml", "keeper")
		} else {
			c.waitReady()
			c.waitProblem("connection refused")
			c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
			c.write("facts.yaml", "vpc: {cidrs: [10.0.0.0/16, 100.64.0.0/16, 198.51.100.0/24]}\n")
			c.waitAction(lab.PodB, lab.Internet, "exclude")
			c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
			c.proxy.Accept(t)
			c.waitSynced()
		}
		c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	}
}

// waitFile waits until the daemon has written a file with this text in it.
func (d *daemon) waitFile(name, text string) {
	d.t.Helper()
	d.wait(name+" with "+text, func() error {
		content, err := os.ReadFile(d.path(name))
		if err == nil && !strings.Contains(string(content), text) {
			err = missing(text)
		}
		return err
	})
}

// What the role does not allow is said as the API server says it, and the rest
// goes on.
func TestForbidden(t *testing.T) {
	c := withCluster(t, kube.Shared(t))
	c.kubeconfig = c.proxy.Kubeconfig(t, c.server.Token(t, "kube-system", "default"))
	c.configure("")
	c.run()
	c.waitReady()
	for resource, object := range map[string]string{"pods": "pods", "namespaces": "namespaces", "nodes": fmt.Sprintf("nodes %q", c.node.Name)} {
		c.waitProblem(fmt.Sprintf(`kubernetes/%s: %s is forbidden: User "system:serviceaccount:kube-system:default" cannot list resource %q in API group "" at the cluster scope`,
			resource, object, resource))
	}
	c.check(onlyOutside)
}

// A node that the cluster does not have is not this one.
func TestUnknownNode(t *testing.T) {
	c := withCluster(t, kube.Shared(t))
	c.node.Name = "nobody"
	c.configure("")
	c.run()
	c.waitReady()
	c.waitProblem("kubernetes/nodes: there is no node nobody")
	if s := c.status(); slices.Contains(s.PodsWaiting, "keeper") || s.Subjects != 1 {
		t.Errorf("status %+v", s)
	}
}

// A kubeconfig that is not there, or wrong, is said, and taken when it is right.
func TestKubeconfigLater(t *testing.T) {
	c := withCluster(t, kube.Shared(t))
	c.pod("keeper", lab.PodA, true)
	good, err := os.ReadFile(c.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	c.kubeconfig = c.path("kubeconfig")
	c.configure("")
	c.run()
	c.waitReady()
	c.waitProblem("kubernetes.kubeconfig: " + c.kubeconfig)
	if s := c.source("kubernetes"); s.Error == "" || s.Failure.IsZero() {
		t.Errorf("source %+v", s)
	}
	token := regexp.MustCompile(`(token"?: *"?)[A-Za-z0-9._-]+`).ReplaceAllString(string(good), "${1}bad")
	c.write("kubeconfig", token)
	c.waitProblem("kubernetes/pods: Unauthorized")
	c.write("kubeconfig", string(good))
	c.waitAction(lab.PodA, lab.Peered, "exclude")
	c.waitSynced()
}

// Changing where pods come from withdraws nothing as long as the new source cannot
// be used.
func TestSourcesChange(t *testing.T) {
	c := startCluster(t)
	pod := c.pod("keeper", lab.PodA, true)
	c.waitAction(lab.PodA, lab.Peered, "exclude")
	kept := func(problem string) {
		t.Helper()
		c.waitProblem(problem)
		c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
		c.see(c.lab.PodB, lab.UDP, lab.Internet, lab.NodePrimary)
	}
	config, err := os.ReadFile(c.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	there := fmt.Sprintf("file: %s", c.path("facts.yaml"))
	// The VPC's file is gone: pods go on being followed.
	c.write("config.yaml", replace(t, string(config), there, "file: /nonexistent"))
	kept("/nonexistent")
	c.server.SetLabels(t, pod, labels(false))
	c.waitAction(lab.PodA, lab.Peered, "translate")
	c.server.SetLabels(t, pod, labels(true))
	c.waitAction(lab.PodA, lab.Peered, "exclude")
	// The pods' file is.
	c.write("config.yaml", replace(t, replace(t, string(config), there, "file: /nonexistent"), "pods: kubernetes", "pods: static"))
	kept("/nonexistent")
	c.write("config.yaml", string(config))
	c.waitSynced()
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	c.write("config.yaml", replace(t, string(config), "pods: kubernetes", "pods: none"))
	c.waitAction(lab.PodA, lab.Peered, "translate")
}

// A plan does not leave out what it could not ask for.
func TestPlanWithoutAPIServer(t *testing.T) {
	c := withCluster(t, kube.Shared(t))
	c.proxy.Refuse()
	_, stderr, err := c.output(nil, "plan")
	if exitCode(err) != 1 || !strings.Contains(stderr, "kubernetes/pods") || !strings.Contains(stderr, "connection refused") {
		t.Errorf("plan: %v\n%s", err, stderr)
	}
}
