package kube

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// connect makes a client as the daemon does.
func connect(t *testing.T, p *Proxy, token string, dial ...func(*rest.Config)) *kubernetes.Clientset {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", p.Kubeconfig(t, token))
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range dial {
		set(config)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func onNode(node Object) metav1.ListOptions {
	return metav1.ListOptions{FieldSelector: "spec.nodeName=" + node.Name}
}

// next is the next event for a pod.
func next(t *testing.T, w watch.Interface, want watch.EventType) *corev1.Pod {
	t.Helper()
	ctx, cancel := request(t)
	defer cancel()
	select {
	case e := <-w.ResultChan():
		if pod, ok := e.Object.(*corev1.Pod); ok && e.Type == want {
			return pod
		}
		t.Fatalf("%s: %+v, want %s of a pod", e.Type, e.Object, want)
	case <-ctx.Done():
		t.Fatal("no event")
	}
	return nil
}

// What a test does to a pod is what the daemon's service account sees of it.
func TestPod(t *testing.T) {
	s := Shared(t)
	client := connect(t, s.ServeOn(t, net.Listen), s.ServiceAccountToken(t))
	node, other := s.CreateNode(t, "node", nil, nil), s.CreateNode(t, "node", nil, nil)
	namespace := s.CreateNamespace(t, "team", nil, nil)
	w, err := client.CoreV1().Pods("").Watch(t.Context(), onNode(node))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()

	s.CreatePod(t, Pod{Namespace: namespace.Name, Name: "web-", Node: other.Name})
	pod := s.CreatePod(t, Pod{
		Namespace: namespace.Name, Name: "web", Node: node.Name, ServiceAccount: "web",
		IPs:    []netip.Addr{netip.MustParseAddr("10.0.1.5"), netip.MustParseAddr("fd00::5")},
		HostIP: netip.MustParseAddr("10.0.0.10"), Labels: map[string]string{"app": "web"},
	})
	if got := next(t, w, watch.Added); got.Status.Phase != corev1.PodPending || got.Status.PodIP != "" || got.Spec.ServiceAccountName != "web" {
		t.Errorf("created as %+v", got)
	}
	got := next(t, w, watch.Modified).Status
	got.StartTime, got.QOSClass = nil, ""
	if diff := cmp.Diff(corev1.PodStatus{
		Phase:  corev1.PodRunning,
		HostIP: "10.0.0.10", HostIPs: []corev1.HostIP{{IP: "10.0.0.10"}},
		PodIP: "10.0.1.5", PodIPs: []corev1.PodIP{{IP: "10.0.1.5"}, {IP: "fd00::5"}},
	}, got); diff != "" {
		t.Errorf("the status reported first (-want +got):\n%s", diff)
	}

	s.SetPodIP(t, pod, netip.MustParseAddr("10.0.1.6"))
	if got := next(t, w, watch.Modified).Status; got.PodIP != "10.0.1.6" || len(got.PodIPs) != 1 {
		t.Errorf("another address: %+v", got)
	}
	s.SetPodIP(t, pod)
	if got := next(t, w, watch.Modified).Status; got.PodIP != "" || len(got.PodIPs) != 0 || got.Phase != corev1.PodRunning {
		t.Errorf("no address: %+v", got)
	}
	s.SetPhase(t, pod, "Succeeded")
	if got := next(t, w, watch.Modified).Status; got.Phase != corev1.PodSucceeded {
		t.Errorf("ended: %+v", got)
	}
	s.SetLabels(t, pod, map[string]string{"tier": "front"})
	if got := next(t, w, watch.Modified).Labels; !cmp.Equal(got, map[string]string{"tier": "front"}) {
		t.Errorf("labels %v", got)
	}
	s.SetAnnotations(t, pod, map[string]string{"note": "x"})
	if got := next(t, w, watch.Modified).Annotations; !cmp.Equal(got, map[string]string{"note": "x"}) {
		t.Errorf("annotations %v", got)
	}
	s.SetPhase(t, pod, "Running")
	next(t, w, watch.Modified)
	s.Terminate(t, pod)
	if got := next(t, w, watch.Modified); got.DeletionTimestamp == nil {
		t.Errorf("deleted: %+v", got)
	}
	s.Delete(t, pod)
	if got := next(t, w, watch.Modified); *got.DeletionGracePeriodSeconds != 0 {
		t.Errorf("deleted at once: %+v", got)
	}
	next(t, w, watch.Deleted)
}

// examples/deploy/manifests/rbac.yaml grants what the daemon asks for, and no more.
func TestServiceAccount(t *testing.T) {
	s := Shared(t)
	node := s.CreateNode(t, "node", map[string]string{"zone": "a"}, map[string]string{"note": "x"})
	namespace := s.CreateNamespace(t, "team", map[string]string{"team": "a"}, nil)
	proxy := s.ServeOn(t, net.Listen)
	client := connect(t, proxy, s.ServiceAccountToken(t)).CoreV1()
	ctx := t.Context()

	nodes, err := client.Nodes().List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + node.Name})
	if err != nil || len(nodes.Items) != 1 || nodes.Items[0].Labels["zone"] != "a" || nodes.Items[0].Annotations["note"] != "x" {
		t.Errorf("its node: %v %+v", err, nodes)
	}
	namespaces, err := client.Namespaces().List(ctx, metav1.ListOptions{LabelSelector: "team=a"})
	if err != nil || len(namespaces.Items) != 1 || namespaces.Items[0].Name != namespace.Name {
		t.Errorf("namespaces: %v %+v", err, namespaces)
	}
	for resource, watch := range map[string]func() (watch.Interface, error){
		"pods":       func() (watch.Interface, error) { return client.Pods("").Watch(ctx, onNode(node)) },
		"namespaces": func() (watch.Interface, error) { return client.Namespaces().Watch(ctx, metav1.ListOptions{}) },
		"nodes":      func() (watch.Interface, error) { return client.Nodes().Watch(ctx, metav1.ListOptions{}) },
	} {
		w, err := watch()
		if err != nil {
			t.Errorf("watch %s: %v", resource, err)
			continue
		}
		w.Stop()
	}
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: node.Name + ".told", Namespace: "default"},
		InvolvedObject: corev1.ObjectReference{Kind: "Node", Name: node.Name},
	}
	if _, err := client.Events("default").Create(ctx, event, metav1.CreateOptions{}); err != nil {
		t.Errorf("create an event: %v", err)
	}
	_, err = client.Pods(namespace.Name).Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}}, metav1.CreateOptions{})
	const denied = `pods is forbidden: User "system:serviceaccount:kube-system:snatd" cannot create resource "pods" in API group "" in the namespace "`
	if want := denied + namespace.Name + `"`; !apierrors.IsForbidden(err) || err.Error() != want {
		t.Errorf("created a pod: %v, want %s", err, want)
	}
	for _, refused := range []struct {
		verb string
		err  error
	}{
		{"get a secret", second(client.Secrets("kube-system").Get(ctx, "x", metav1.GetOptions{}))},
		{"list services", second(client.Services("").List(ctx, metav1.ListOptions{}))},
		{"list events", second(client.Events("default").List(ctx, metav1.ListOptions{}))},
		{"create an event elsewhere", second(client.Events(namespace.Name).Create(ctx, &corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Name: "x", Namespace: namespace.Name},
		}, metav1.CreateOptions{}))},
		{"delete a node", client.Nodes().Delete(ctx, node.Name, metav1.DeleteOptions{})},
	} {
		if !apierrors.IsForbidden(refused.err) {
			t.Errorf("%s: %v", refused.verb, refused.err)
		}
	}
	nobody := connect(t, proxy, s.Token(t, "default", "nobody")).CoreV1()
	if _, err := nobody.Pods("").List(ctx, onNode(node)); !apierrors.IsForbidden(err) {
		t.Errorf("without a role: %v", err)
	}
	if _, err := connect(t, proxy, "wrong").CoreV1().Pods("").List(ctx, onNode(node)); !apierrors.IsUnauthorized(err) {
		t.Errorf("with a wrong token: %v", err)
	}
}

func second[V any](_ V, err error) error { return err }

// Tests that share a server leave nothing on it.
func TestCleanup(t *testing.T) {
	s := Shared(t)
	var node, namespace Object
	var pods []Object
	t.Run("creates", func(t *testing.T) {
		node, namespace = s.CreateNode(t, "node", nil, nil), s.CreateNamespace(t, "team", nil, nil)
		many := make([]Pod, 50)
		for i := range many {
			many[i] = Pod{Namespace: namespace.Name, Name: "web-", Node: node.Name}
		}
		pods = s.CreatePods(t, 8, many)
		s.Delete(t, pods[0])
		list, err := s.Admin().CoreV1().Pods("").List(t.Context(), onNode(node))
		if err != nil || len(list.Items) != len(many)-1 {
			t.Errorf("%v, %d pods", err, len(list.Items))
		}
	})
	list, err := s.Admin().CoreV1().Pods("").List(t.Context(), onNode(node))
	if err != nil || len(list.Items) > 0 {
		t.Errorf("%v, %d pods are left", err, len(list.Items))
	}
	if _, err := s.Admin().CoreV1().Namespaces().Get(t.Context(), namespace.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("%s: %v", namespace, err)
	}
	if _, err := s.Admin().CoreV1().Nodes().Get(t.Context(), node.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("%s: %v", node, err)
	}
}
