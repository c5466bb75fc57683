package kube

import (
	"net/netip"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// A server that is killed has all that was stored when it is back, and the tokens
// that it has given still hold. Watches go on where they were, until the history
// is compacted.
func TestRestart(t *testing.T) {
	s := Own(t)
	token := s.ServiceAccountToken(t)
	node, namespace := s.CreateNode(t, "node", nil, nil), s.CreateNamespace(t, "team", nil, nil)
	s.CreatePod(t, Pod{Namespace: namespace.Name, Name: "web", Node: node.Name, IPs: []netip.Addr{netip.MustParseAddr("10.0.1.5")}})
	client, err := s.client(token)
	if err != nil {
		t.Fatal(err)
	}
	pods := client.CoreV1().Pods("")

	s.Kill(t)
	if list, err := pods.List(t.Context(), onNode(node)); err == nil {
		t.Fatalf("a killed server answers: %+v", list)
	}
	s.Restart(t)
	list, err := pods.List(t.Context(), onNode(node))
	if err != nil || len(list.Items) != 1 || list.Items[0].Status.PodIP != "10.0.1.5" {
		t.Fatalf("after the restart: %v %+v", err, list)
	}

	resume := onNode(node)
	resume.ResourceVersion = list.ResourceVersion
	s.CreatePod(t, Pod{Namespace: namespace.Name, Name: "later", Node: node.Name, Phase: "Pending"})
	w, err := pods.Watch(t.Context(), resume)
	if err != nil {
		t.Fatal(err)
	}
	if pod := next(t, w, watch.Added); pod.Name != "later" {
		t.Errorf("resumed with %s", pod.Name)
	}
	w.Stop()

	s.Compact(t)
	if w, err = pods.Watch(t.Context(), resume); err == nil {
		defer w.Stop()
		e := <-w.ResultChan()
		err = apierrors.FromObject(e.Object)
	}
	if !apierrors.IsResourceExpired(err) {
		t.Errorf("resumed from before the history: %v", err)
	}
	if list, err := pods.List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) != 2 {
		t.Errorf("after the compaction: %v %+v", err, list)
	}
}

func TestSharedIsNotKilled(t *testing.T) {
	Need(t)
	err := Do(t.Context(), func(t T) { Shared(t).Kill(t) })
	const want = "other tests need the shared server: kill one that Own has started"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
