package kube

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/snatd/snatd/host/netspace"
)

// A client in another network namespace reaches the server only by the proxy.
func TestProxy(t *testing.T) {
	s := Shared(t)
	space, err := netspace.New("client")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = space.Close() })
	proxy := s.ServeOn(t, func(network, address string) (l net.Listener, err error) {
		err = space.Do(func() error {
			l, err = net.Listen(network, address)
			return err
		})
		return l, err
	})
	dial := func(_ context.Context, network, address string) (conn net.Conn, err error) {
		err = space.Do(func() error {
			conn, err = net.Dial(network, address)
			return err
		})
		return conn, err
	}
	pods := connect(t, proxy, s.ServiceAccountToken(t), func(c *rest.Config) { c.Dial = dial }).CoreV1().Pods("")
	node, namespace := s.CreateNode(t, "node", nil, nil), s.CreateNamespace(t, "team", nil, nil)
	w, err := pods.Watch(t.Context(), onNode(node))
	if err != nil {
		t.Fatal(err)
	}

	proxy.Stall()
	pod := s.CreatePod(t, Pod{Namespace: namespace.Name, Name: "web", Node: node.Name, Phase: "Pending"})
	// That nothing comes can only be seen by waiting for it.
	soon, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if list, err := pods.List(soon, onNode(node)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("listed while stalled: %v %+v", err, list)
	}
	select {
	case e := <-w.ResultChan():
		t.Errorf("an event while stalled: %+v", e)
	default:
	}
	stalled, err := dial(t.Context(), "tcp", proxy.Address())
	if err != nil {
		t.Errorf("a new connection while stalled: %v", err)
	} else {
		stalled.Close()
	}
	proxy.Resume()
	next(t, w, watch.Added)

	proxy.Refuse()
	if e, open := <-w.ResultChan(); open {
		t.Errorf("an event after the end: %+v", e)
	}
	if _, err := pods.List(t.Context(), onNode(node)); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("listed while refusing: %v", err)
	}
	s.Delete(t, pod)
	proxy.Accept(t)
	if list, err := pods.List(t.Context(), onNode(node)); err != nil || len(list.Items) > 0 {
		t.Errorf("listed afterwards: %v %+v", err, list)
	}
}
