package kubernetes

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/snatd/snatd/host/facts"
)

// newCluster is a cluster that follows a server, once it runs.
func newCluster(t *testing.T, server string) *Cluster {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := "{apiVersion: v1, kind: Config, clusters: [{name: a, cluster: {server: '" + server + "'}}], contexts: [{name: a, context: {cluster: a}}], current-context: a}"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{Node: "node-a", Kubeconfig: file, IPFamily: "ipv4", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// named is the metadata of an object without a namespace.
func named(name string, change func(*metav1.PartialObjectMetadata)) *metav1.PartialObjectMetadata {
	o := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"name": name}}}
	if change != nil {
		change(o)
	}
	return o
}

// bad makes facts reject an object.
func bad(o *metav1.PartialObjectMetadata) {
	o.Annotations = map[string]string{"large": strings.Repeat("x", 1<<20)}
}

const tooLarge = "annotations: 1048581 bytes, accepted: at most 262144 together"

func TestState(t *testing.T) {
	c := newCluster(t, "http://127.0.0.1:1")
	step := func(what string, err error, want *State) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		got := c.Latest()
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -want +got:\n%s", what, diff)
		}
		if again := c.Latest(); again != got {
			t.Errorf("%s: composed again", what)
		}
	}
	web := facts.Pod{
		Namespace: "shop", Name: "web", IP: netip.MustParseAddr("10.0.1.5"), ServiceAccount: "seller", Phase: "Running",
		Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"note": "x"},
	}
	node := facts.Node{Name: "node-a", Labels: map[string]string{"name": "node-a"}}
	shop := facts.Namespace{Name: "shop", Labels: map[string]string{"name": "shop"}}
	noNode := Problem{"kubernetes/nodes", "there is no node node-a, accepted: the name of this node in the cluster"}
	unknown := Problem{"kubernetes/pods", "shop/web: its namespace shop is not known"}

	step("nothing", nil, nil)
	step("no nodes", errors.Join(c.pods.Replace([]any{object(nil)}, "1"), c.namespaces.Replace([]any{named("other", bad), named("third", nil)}, "1")), nil)
	step("no node, no namespace", c.nodes.Replace(nil, "1"), &State{Node: facts.Node{Name: "node-a"}, Problems: []Problem{noNode, unknown}})
	step("a rejected node", c.nodes.Add(named("node-a", bad)),
		&State{Node: facts.Node{Name: "node-a"}, Problems: []Problem{{"kubernetes/nodes", "node-a: " + tooLarge}, unknown}})
	step("a node", c.nodes.Update(named("node-a", nil)), &State{Node: node, Problems: []Problem{unknown}})
	step("a rejected namespace", c.namespaces.Add(named("shop", bad)),
		&State{Node: node, Problems: []Problem{{"kubernetes/namespaces", "shop: " + tooLarge}, unknown}})
	step("a namespace", c.namespaces.Update(named("shop", nil)), &State{Node: node, Namespaces: []facts.Namespace{shop}, Pods: []facts.Pod{web}})

	// What matters to no pod here is not told, and changes nothing.
	drained := func() bool {
		select {
		case <-c.Changed():
			return true
		default:
			return false
		}
	}
	drained()
	before := c.Latest()
	if err := errors.Join(c.namespaces.Update(named("third", bad)), c.namespaces.Delete(named("third", nil)), c.namespaces.Replace([]any{named("shop", nil)}, "2")); err != nil {
		t.Fatal(err)
	}
	if drained() || c.Latest() != before {
		t.Error("namespaces without pods here are told of")
	}
	early := object(func(p *corev1.Pod) { p.Name, p.CreationTimestamp = "early", metav1.NewTime(time.Unix(1, 0)) })
	late := object(func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(time.Unix(2, 0)) })
	waiting := web
	waiting.Name, waiting.IP = "early", netip.Addr{}
	step("two with one address", c.pods.Replace([]any{late, early}, "2"), &State{
		Node: node, Namespaces: []facts.Namespace{shop}, Pods: []facts.Pod{waiting, web},
		Problems: []Problem{{"kubernetes/pods", "10.0.1.5 is the address of shop/early and of shop/web: shop/web, which is newer, has it"}},
	})
	if !drained() {
		t.Error("pods are not told of")
	}
	step("no pods", c.pods.Replace(nil, "3"), &State{Node: node})
}

// BenchmarkLatest is what a change of a pod costs in a cluster with many
// namespaces.
func BenchmarkLatest(b *testing.B) {
	c := &Cluster{node: "node-a", changed: make(chan struct{}, 1)}
	c.pods = newFeed("pods", lister{example: &corev1.Pod{}}, c.tell, func(object any) (pod, bool, error) { return convertPod(object, "ipv4") }, all)
	c.namespaces = newFeed("namespaces", lister{example: named("", nil)}, c.tell, convertNamespace, c.used)
	c.nodes = newFeed("nodes", lister{example: named("", nil)}, c.tell, convertNode, all)
	var pods, namespaces []any
	for i := range 250 {
		pods = append(pods, object(func(p *corev1.Pod) {
			p.Namespace, p.Name = "ns-"+string(rune('a'+i%20)), "web-"+string(rune('a'+i/20))
			p.Status.PodIP, p.Status.PodIPs = netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}).String(), nil
		}))
	}
	for i := range 5000 {
		namespaces = append(namespaces, named("ns-"+string(rune('a'+i%26))+strings.Repeat("x", i/26), nil))
	}
	if err := errors.Join(c.pods.Replace(pods, "1"), c.namespaces.Replace(namespaces, "1"), c.nodes.Replace([]any{named("node-a", nil)}, "1")); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c.tell(time.Unix(1, 0))
		if s := c.Latest(); len(s.Pods) != 250 {
			b.Fatalf("%d pods", len(s.Pods))
		}
	}
}
