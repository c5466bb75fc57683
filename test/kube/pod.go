package kube

import (
	"context"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// deleters is how many requests at a time clean up.
const deleters = 16

// Pod is a pod to create.
type Pod struct {
	Namespace      string
	Name           string // with "-" at its end: the beginning of a name that no other pod has
	Node           string
	IPs            []netip.Addr // of the pod; at most one of each family
	HostIP         netip.Addr   // of its node; some address if invalid
	HostNetwork    bool
	ServiceAccount string // empty: default
	Phase          string // empty: Running. Pending without IPs is a pod that its kubelet has not seen
	Labels         map[string]string
	Annotations    map[string]string
}

// CreatePod creates a pod that is scheduled to its node, and reports what runs as
// its kubelet does. It is deleted when the test ends.
func (s *Server) CreatePod(t T, pod Pod) Object {
	t.Helper()
	return s.CreatePods(t, 1, []Pod{pod})[0]
}

// CreatePods creates pods as CreatePod does, at most workers at a time.
func (s *Server) CreatePods(t T, workers int, pods []Pod) []Object {
	t.Helper()
	ctx, cancel := request(t)
	defer cancel()
	objects := make([]Object, len(pods))
	err := each(workers, len(pods), func(i int) (err error) {
		objects[i], err = s.createPod(ctx, pods[i])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.cleanup(t, objects...)
	return objects
}

// each calls f for the indexes below n, at most workers at a time, and returns
// the first error.
func each(workers, n int, f func(int) error) error {
	var group errgroup.Group
	group.SetLimit(workers)
	for i := range n {
		group.Go(func() error { return f(i) })
	}
	return group.Wait()
}

func (s *Server) createPod(ctx context.Context, pod Pod) (Object, error) {
	meta := metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, Labels: pod.Labels, Annotations: pod.Annotations}
	if pod.Name == "" || pod.Name[len(pod.Name)-1] == '-' {
		meta.Name, meta.GenerateName = "", pod.Name
	}
	created, err := s.admin.CoreV1().Pods(pod.Namespace).Create(ctx, &corev1.Pod{
		ObjectMeta: meta,
		Spec: corev1.PodSpec{
			NodeName:           pod.Node,
			HostNetwork:        pod.HostNetwork,
			ServiceAccountName: pod.ServiceAccount,
			Containers:         []corev1.Container{{Name: "main", Image: "image.invalid/main"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return Object{}, err
	}
	o := Object{Resource: "pods", Namespace: created.Namespace, Name: created.Name}
	if pod.Phase == string(corev1.PodPending) && len(pod.IPs) == 0 {
		return o, nil
	}
	return o, s.report(ctx, o, pod.status())
}

// status is what a kubelet reports first.
func (p Pod) status() map[string]any {
	host := p.HostIP
	if !host.IsValid() {
		host = netip.AddrFrom4([4]byte{192, 0, 2, 1}) // from the documentation
	}
	phase := p.Phase
	if phase == "" {
		phase = string(corev1.PodRunning)
	}
	status := addresses(p.IPs)
	status["phase"] = phase
	status["hostIP"] = host
	status["hostIPs"] = []corev1.HostIP{{IP: host.String()}}
	status["startTime"] = metav1.NewTime(time.Now())
	return status
}

// SetPodIP reports other addresses of a pod, at most one of each family; none
// takes them away.
func (s *Server) SetPodIP(t T, pod Object, ips ...netip.Addr) {
	t.Helper()
	s.update(t, pod, addresses(ips))
}

// SetPhase reports another phase of a pod: Pending, Running, Succeeded, Failed.
func (s *Server) SetPhase(t T, pod Object, phase string) {
	t.Helper()
	s.update(t, pod, map[string]any{"phase": phase})
}

func (s *Server) update(t T, pod Object, status map[string]any) {
	t.Helper()
	ctx, cancel := request(t)
	defer cancel()
	if err := s.report(ctx, pod, status); err != nil {
		t.Fatal(err)
	}
}

// report changes members of a pod's status; null removes one.
func (s *Server) report(ctx context.Context, pod Object, status map[string]any) error {
	return s.patch(ctx, pod, types.MergePatchType, map[string]any{"status": status}, "status")
}

// addresses are the members of a pod's status that hold its addresses.
func addresses(ips []netip.Addr) map[string]any {
	if len(ips) == 0 {
		return map[string]any{"podIP": nil, "podIPs": nil}
	}
	all := make([]corev1.PodIP, len(ips))
	for i, ip := range ips {
		all[i].IP = ip.String()
	}
	return map[string]any{"podIP": all[0].IP, "podIPs": all}
}
